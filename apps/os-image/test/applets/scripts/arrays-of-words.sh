set -- one 'two three' four
echo $# "$2"
for a; do echo "[$a]"; done
shift 2
echo $# "$*"
set -- "$@" more
echo "$@"
IFS=:
set -- a b c
echo "$*"
path=x:y::z
for p in $path; do echo "<$p>"; done
