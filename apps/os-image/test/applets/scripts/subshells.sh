x=1; (x=2; cd tree; echo $x $(ls | wc -l)); echo $x; ls words
{ x=3; }; echo $x
y=$(x=4; echo $x; exit 9); echo $? $y $x
echo $(echo a; echo b) "$(printf 'trailing\n\n\n')"
(exit 3) || echo $?
a=$(cat words | wc -l) b=`echo $(echo deep)`; echo $a $b
eval 'z=5; echo $z'; echo "$z"
. ./words 2>/dev/null; echo $?
printf 'echo sourced $1; v=7\n' >lib; . ./lib; echo $v
command -v echo; command echo x; command missing 2>/dev/null; echo $?
times >/dev/null; echo $?
ulimit -n 100; ulimit -n
exec sh -c 'echo replaced; exit 8'
