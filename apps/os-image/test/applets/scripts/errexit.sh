(set -e; echo before; false; echo never); echo $?
(set -e; if false; then :; fi; false || true; ! true; echo reached); echo $?
(set -u; echo ${nothing-default}; echo $nothing; echo never); echo $?
set -o pipefail 2>/dev/null && { false | true; echo $?; }
(set -x; : traced 'two words') 2>&1
(set -f; echo *)
set -C; echo a >clobbered; echo b >clobbered; echo $?; echo c >|clobbered; cat clobbered
