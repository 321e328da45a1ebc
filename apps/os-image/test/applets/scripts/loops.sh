for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done
i=0; while :; do i=$((i + 1)); [ $i -gt 3 ] && break; echo $i; done
until [ $i -le 0 ]; do i=$((i - 2)); echo $i; done
for a in x y; do for b in 1 2; do [ $b = 2 ] && continue 2; echo $a$b; done; done
while read a b; do echo "$b-$a"; done <fruit
for f in *; do [ -f "$f" ] && echo "$f"; done
seq 1 3 | while read n; do total=$((total + n)); done; echo "${total-none}"
if false; then echo a; elif true; then echo b; else echo c; fi
false || { echo or; true; } && echo and
! false; echo $?
i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo $i
