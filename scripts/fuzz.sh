#!/bin/sh
# fuzz.sh TIME: runs each fuzz target of every package for TIME, one after the other.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
time=${1:-10s}
for pkg in $(go list ./...); do
	targets=$(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true)
	for target in $targets; do
		echo "== $pkg $target for $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$pkg"
	done
done
