exec 3>out 4<words
echo to three >&3
read first <&4
read second <&4
echo "$first $second"
exec 3>&- 4<&-
cat out
echo closed >&3
echo status $?
{ echo out; echo err >&2; } 2>&1 >/dev/null
{ echo both; echo of them >&2; } >merged 2>&1
cat merged
cat <<<'here string' 2>/dev/null || echo no here strings
echo a >x; echo b >>x; echo c 1<>x; cat x
ls missing 2>/dev/null || echo quiet
