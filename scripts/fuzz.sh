#!/bin/sh
# fuzz.sh TIME: runs each fuzz target of both modules for TIME, one after the other, and
# says how many inputs each has tried. The first finding is printed, and ends the run.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
time=${1:-10s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

# fuzz runs the target NAME of the package in DIR.
fuzz() { # DIR NAME
	# Short minimizing: where coverage varies, as with goroutines, it takes all the time.
	go -C "$1" test -tags containers_image_openpgp -timeout 0 -run '^$' \
		-fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 20x . > "$log" 2>&1 && return
	# Go before 1.27 may take the end of TIME for a failure (go.dev/issue/75804).
	grep -q '^    context deadline exceeded$' "$log" && ! grep -Eq 'Failing input|seed corpus' "$log"
}

targets=$(grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/func //' | LC_ALL=C sort)
[ -n "$targets" ] || { echo "fuzz: there are no targets" >&2; exit 1; }
for target in $targets; do
	dir=$(dirname "${target%:*}")
	name=${target#*:}
	printf '%-50s ' "$dir $name"
	if ! fuzz "$dir" "$name"; then
		echo FAILED
		cat "$log"
		echo "fuzz: $name in $dir failed: see above" >&2
		exit 1
	fi
	tried=$(sed -n 's/.*execs: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	if [ -n "$tried" ]; then
		echo "$tried executions"
	else
		echo "0 executions: $time is too short for what is in its corpus"
	fi
done
