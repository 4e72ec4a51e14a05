#!/bin/bash
# Everything that is tested, in one go: set up what the tests need, check the code,
# run the tests of every module, as root and as an ordinary user where possible.
#
# With CSTOR_REQUIRE_PEERS=1 a missing peer is a failure (but for Debian unstable,
# whose absence is explained); otherwise the tests that need it are skipped, and the
# end of the output says which and what would enable them.
#
# The last line is "N passed, M failed": tests of the verbose runs, and steps that
# failed without a test to name. The exit status is 0 if M is.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CGO_ENABLED=0 required=${CSTOR_REQUIRE_PEERS:-0}
out=$(mktemp -d) || exit 1
export out
child=
# The step has a process group of its own, which its time limit made and ends.
trap '[ -z "$child" ] || kill "$child" 2> /dev/null; wait; exit 130' INT TERM
trap 'rm -rf "$out"' EXIT
: > "$out/skips" > "$out/counts"
failed=() others=0

step() { # NAME SECONDS: runs the function of that name below
	local name=$1 limit=$2 from=$SECONDS status before after
	echo "== $name"
	timeout --kill-after=30 "$limit" bash -uc "$name" < /dev/null &
	child=$!
	wait "$child"
	status=$?
	child=
	before=$(total 2)
	[ ! -e "$out/$name.verbose" ] || report "$name" "$status"
	after=$(total 2)
	case $status in
	0) echo "-- $name: passed in $((SECONDS - from)) s" ;;
	124 | 137) echo "-- $name: FAILED: stopped after $((SECONDS - from)) s, its limit is $limit s" ;;
	*) echo "-- $name: FAILED ($status) in $((SECONDS - from)) s" ;;
	esac
	[ "$status" != 0 ] || [ "$before" = "$after" ] || status=1 # should a status be lost on the way
	[ "$status" = 0 ] || failed+=("$name")
	[ "$status" = 0 ] || [ "$before" != "$after" ] || others=$((others + 1))
}

# total adds a column of the counts: 1 passed, 2 failed, 3 skipped.
total() { awk -v column="$1" '{ n += $column } END { print n + 0 }' "$out/counts"; }

# report prints what of a verbose log one wants to see, and counts.
report() { # NAME STATUS
	awk -v counts="$out/counts" -v skips="$out/skips" -f scripts/testlog.awk "$out/$1.verbose" > "$out/$1.report"
	# Of a run that passed it is what tests printed past their log, if anything.
	if [ "$2" = 0 ]; then grep '^--- ' "$out/$1.report"; else head -n 2000 "$out/$1.report"; fi
	grep -ohE '_test.go:[0-9]+: (machine|trixie|sid): .*' "$out/$1.verbose" | sed 's/^[^ ]* /peer /'
	tail -n 1 "$out/counts" | awk '{ print $1 " passed, " $2 " failed, " $3 " skipped" }'
}

peers() { ./scripts/setup.sh || [ "$required" != 1 ]; }
check() { ./scripts/check.sh; }
unit() { go test -timeout 5m -v ./... > "$out/unit.verbose" 2>&1; }
user() { ./scripts/as-user.sh > "$out/user.verbose" 2>&1; }
single() { GOMAXPROCS=1 go test -timeout 3m -short . ./tarsplit ./driver ./internal/beneath; }
race() {
	if command -v gcc > /dev/null; then
		CGO_ENABLED=1 go test -timeout 12m -race -short ./...
	else
		printf 'no C compiler, which the race detector needs: install gcc\tstep race\n' >> "$out/skips"
		[ "$required" != 1 ]
	fi
}
platforms() { GOARCH=386 go vet ./... && GOARCH=arm64 go build ./...; }
demo() { make -s demo; }
conformance() { make -s -C conformance test > "$out/conformance.verbose" 2>&1; }
export -f peers check unit user single race platforms demo conformance

# Limits are for what hangs: some times what the step takes with empty caches.
step peers 900
step check 900
step unit 600
step user 900
step single 400
step race 1200
step platforms 300
step demo 120
step conformance 2800 # more than go test has, which says what hung

echo
if [ -s "$out/skips" ]; then
	echo "Skipped, with what would enable it:"
	# By reason, the most frequent first, each with the first few of its tests.
	sort "$out/skips" | awk -F '\t' '
		{ n[$1]++; if (n[$1] <= 4) tests[$1] = tests[$1] (n[$1] > 1 ? ", " : "") $2 }
		END { for (r in n) printf("%5d  %s: %s%s\n", n[r], r, tests[r], n[r] > 4 ? ", and " n[r] - 4 " more" : "") }
	' | sort -rn
	echo "(\"make setup\" as root on Debian or Ubuntu installs the peers.)"
fi
[ ${#failed[@]} = 0 ] || echo "FAILED: ${failed[*]}"
echo "All in $SECONDS s."
bad=$(($(total 2) + others))
echo "$(total 1) passed, $bad failed"
[ "$bad" = 0 ] && [ ${#failed[@]} = 0 ]
