# Files that the cases work on; run once in an empty folder.
printf 'apple 3\nbanana 12\ncherry 7\napple 1\ndate 100\n\nbanana 2\nElder berry\n' >fruit
printf 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n' >words
printf 'b\na\nd\nc\n' >abcd
printf 'id,name,score\n1,ann,3.5\n2,bob,10\n3,cyd,-2\n' >table.csv
printf '\0\1\2\3\4\5\6\7\10\11\12\13\14\15abc\377\376\200xyz\n' >binary
printf 'tab\there\n  spaces  \nlast line without newline' >blanks
seq 1 1000 >numbers
mkdir -p tree/a/b/c tree/d
echo 1 >tree/one
echo 22 >tree/a/two
echo 333 >tree/a/b/three
: >tree/d/empty
ln -s ../one tree/d/link
ln -s nowhere tree/dangling
chmod 640 tree/one
chmod 755 tree/a/two
