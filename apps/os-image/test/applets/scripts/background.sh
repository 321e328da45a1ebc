sleep 1 & first=$!
(exit 5) & second=$!
wait $second; echo second $?
wait $first; echo first $?
wait; echo all $?
{ sleep 0; echo late; } &
wait $!
kill -0 $$ && echo alive
sleep 100 & victim=$!
kill $victim
wait $victim; echo victim $?
for i in 1 2 3; do (echo $i >out.$i) & done
wait
cat out.1 out.2 out.3
