# Runs every case, each in a fresh copy of the fixture: run.sh FOLDER WORK. Standard output has, for each case, its text,
# what it printed (both streams), and its exit status.
cases=$1 work=$2
umask 022
export LC_ALL=C TZ=UTC HOME=/nonexistent
rm -rf "$work"
mkdir -p "$work/fixture"
cd "$work/fixture" || exit 2
. "$cases/fixture.sh"
find . -exec touch -h -d '2020-02-03 04:05:06' {} +
cd "$work" || exit 2
one() {
  rm -rf case
  cp -a fixture case
  echo "=== $1"
  (cd case && exec busybox sh -c "$2" sh) </dev/null >output 2>&1
  status=$?
  cat output
  echo "[exit $status]"
}
while IFS= read -r line <&9; do
  case $line in '' | '#'*) continue ;; esac
  one "$line" "$line"
done 9<"$cases/lines.txt"
for script in "$cases"/scripts/*.sh; do
  one "${script##*/}" "$(cat "$script")"
done
