#!/bin/sh
# fuzz.sh TIME: runs each fuzz target of both modules for TIME, one after the other.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
time=${1:-10s}
for target in $(grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/func //'); do
	dir=$(dirname "${target%:*}")
	echo "== $target for $time"
	# Short minimizing: where coverage varies, as with goroutines, it takes all the time.
	(cd "$dir" && go test -tags containers_image_openpgp -run '^$' -fuzz "^${target#*:}\$" -fuzztime "$time" -fuzzminimizetime 20x)
done
