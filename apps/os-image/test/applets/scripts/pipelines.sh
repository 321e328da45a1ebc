seq 1 1000 | sort -n | sed -n '$p' | tr -d '\n' | wc -c
seq 1 100000 | tail -n 1
yes | head -n 100000 | md5sum
cat numbers | cat | cat | cat | cat | md5sum
seq 1 50 | awk '{s += $1} END {print s}' | tee copy | cat; cat copy
(echo a; echo b >&2) 2>&1 | sort
echo x | (read y; echo "got $y")
true | false; echo $?; false | true; echo $?
dd if=/dev/zero bs=64k count=64 2>/dev/null | md5sum
find . -type f | sort | xargs md5sum | md5sum
seq 1 300000 | gzip -1 | gunzip | sha1sum
