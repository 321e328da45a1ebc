printf 'one two three\n' | { read a b; echo "$a|$b"; }
printf 'a\\nb\n' | { read x; echo "$x"; }
printf 'a\\nb\n' | { read -r x; echo "$x"; }
printf 'x:y:z\n' | { IFS=: read a b c; echo "$c$b$a"; }
printf 'no newline' | { read x; echo "$? $x"; }
printf '' | { read x; echo $?; }
printf 'abcdef' | { read -n 3 x; echo "$x"; }
printf 'a\0b' | { read -d x y 2>/dev/null; echo "$y" | od -c | head -n 1; }
read -t 1 x </dev/null; echo $?
{ read a; read b; read c; } <words; echo $a $b $c
