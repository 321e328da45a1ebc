for w in apple banana 42 '' 'a b' '*' x.y; do
  case $w in
    a*e) echo "$w: a..e" ;;
    [0-9]*) echo "$w: number" ;;
    '') echo empty ;;
    *' '*) echo "$w: blank" ;;
    \*) echo star ;;
    ?.?) echo "$w: dotted" ;;
    ban* | x) echo "$w: either" ;;
    *) echo "$w: other" ;;
  esac
done
