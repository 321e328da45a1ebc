name=world
cat <<END
hello $name $(echo sub) $((1 + 1)) \$name
END
cat <<'END'
hello $name $(echo sub)
END
cat <<-END
	tabs
	  removed
	END
cat <<A; cat <<B
first
A
second
B
while read line; do echo "> $line"; done <<END
one
two
END
tr a-z A-Z <<END | rev
abc
END
big=$(seq 1 20000)
cat <<END | md5sum
$big
END
