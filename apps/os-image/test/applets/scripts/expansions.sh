v=hello.tar.gz e= 
echo ${v%.*} ${v%%.*} ${v#*.} ${v##*.} ${#v}
echo ${v:2:3} ${v/l/L} ${v//l/L} ${u:-default} ${u:=assigned} $u ${e:+set} ${v:+set}
echo ${e-unset} "${e:-empty}" 
(echo ${missing?message}) 2>&1; echo $?
echo "$(echo nested "$(echo deeper)")" `echo backquoted`
echo ~root | cut -c 1; echo "a'b" 'a"b' a\ b $'x\ty'
echo {a,b}c "$v"'x'$v
a=1; b=$a$a; echo $b ${b}x "${b}x"
echo *.csv; echo tree/*; echo missing*; echo [wf]*; echo tree/[!o]*
x='a  b'; echo $x "$x"
set -- 1 2 3; echo "$@" $# ${1} ${10-none}
unset v; echo ${v-gone}
readonly r=1; (r=2) 2>&1; echo $?
