trap 'echo got usr1' USR1
kill -USR1 $$
trap - USR1
trap 'echo bye' EXIT
(trap 'echo sub' EXIT; exit 2); echo $?
trap '' TERM
kill -TERM $$
echo survived
sh -c 'kill -TERM $$; echo child survived'
trap - TERM
sh -c 'kill -INT $$'; echo $?
sh -c 'kill -KILL $$'; echo $?
sh -c 'trap "echo int; exit 9" INT; kill -INT $$; sleep 1'; echo $?
(sleep 1; kill -USR2 $$) & 
trap 'echo usr2' USR2
wait; echo waited $?
wait
exit 6
