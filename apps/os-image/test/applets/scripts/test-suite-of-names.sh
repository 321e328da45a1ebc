for n in 'a b' 'tab	x' '-dash' '*' 'ünïcode' 'new
line' '.hidden' 'quote"s' "it's" '\back'; do
  : >"./$n"
done
ls -A | sort | od -c | tail -n 5
find . -name '* *' | sort
find . -name '[*]'
rm -- -dash
rm -f ./.hidden
ls -a | wc -l
for f in *; do [ -e "$f" ] || echo "lost $f"; done
