#!/bin/bash
# Everything that is tested, in one go: set up what the tests need, check the code,
# run the tests of every module, as root and as an ordinary user where possible.
#
# With CSTOR_REQUIRE_PEERS=1 a missing peer is a failure (but for Debian unstable,
# whose absence is explained); otherwise the tests that need it are skipped, and the
# end of the output says which and what would enable them.
set -uo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
failed=()
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
started=$SECONDS

step() { # NAME COMMAND...
	local name=$1 from=$SECONDS
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$out/$name.log"
	local status=${PIPESTATUS[0]}
	echo "-- $name: $([ "$status" = 0 ] && echo passed || echo "FAILED ($status)") in $((SECONDS - from)) s"
	[ "$status" = 0 ] || failed+=("$name")
}

unit() { go test -timeout 10m -v ./... > "$out/unit.verbose" 2>&1; local s=$?; summary "$out/unit.verbose"; return $s; }
user() { ./scripts/as-user.sh > "$out/user.verbose" 2>&1; local s=$?; summary "$out/user.verbose"; return $s; }
single() { GOMAXPROCS=1 go test -timeout 5m -short . ./tarsplit ./driver ./internal/beneath; }
race() { command -v gcc >/dev/null || { echo "no C compiler: the race detector needs one"; return "${CSTOR_REQUIRE_PEERS:-0}"; }; CGO_ENABLED=1 go test -timeout 10m -race -short ./...; }
small() { GOARCH=386 go vet ./... && GOARCH=arm64 go build ./...; }
conformance() { (cd conformance && make -s test) > "$out/conformance.verbose" 2>&1; local s=$?; summary "$out/conformance.verbose"; return $s; }
peers() { ./scripts/setup.sh; local s=$?; [ $s = 0 ] || [ "${CSTOR_REQUIRE_PEERS:-0}" = 1 ] && return $s; }

# summary prints a verbose test log without the tests that passed.
summary() {
	grep -E '^(ok|FAIL|panic|---|\?)|^ *--- (FAIL|SKIP)|^ +[^ ]+_test.go:|^peer ' "$1" | grep -vE '^ *--- PASS|no test files' | head -n 300
	grep -cE '^ *--- PASS' "$1" | sed 's/$/ tests passed/'
}

step peers peers
step check ./scripts/check.sh
step unit unit
step user user
step single single
step race race
step platforms small
step demo make -s demo
step conformance conformance

echo
skipped=$(cat "$out"/*.verbose 2>/dev/null | grep -A3 -E '^ *--- SKIP' | grep -E '_test.go:[0-9]+:|: skip' | sed 's/^ *//' | sort | uniq -c | sort -rn)
if [ -n "$skipped" ]; then
	echo "Skipped, with what would enable it:"
	echo "$skipped" | head -n 40
	echo "(\"make setup\" as root on Debian or Ubuntu installs the peers.)"
fi
echo "All in $((SECONDS - started)) s."
if [ ${#failed[@]} -gt 0 ]; then
	echo "FAILED: ${failed[*]}"
	exit 1
fi
passed=$(cat "$out"/*.verbose | grep -cE '^ *--- PASS')
echo "$passed passed, 0 failed"
