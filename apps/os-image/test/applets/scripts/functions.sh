f() { local x=inner; echo "$1 $x $#"; return 3; }
x=outer
f arg; echo $? $x
g() { [ $1 -le 0 ] && return; echo $1; g $(($1 - 1)); }
g 3
h() { echo "$FUNCNAME$0" | wc -c; set -- changed; }
set -- kept; h; echo $1
k() ( x=subshell; exit 4 )
k; echo $? $x
p() { cat; }
echo piped | p
unset -f p; p 2>&1; echo $?
type f | head -n 1
alias e='echo aliased'; eval e
