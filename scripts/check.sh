#!/bin/bash
# Formatting, vet, lint, tidiness of every module. Prints what is wrong and fails.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CGO_ENABLED=0
export GOFLAGS=-tags=containers_image_openpgp # what the peers need without cgo
tools=$PWD/tools/go.mod
bad=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
say() { echo "check: $*" >&2; bad=1; }

# Every check is asked for its status one by one: in a group before "||" the shell
# would go on after a failure.
try() { # MESSAGE COMMAND...
	local message=$1
	shift
	"$@" || say "$message"
}

# silent fails also when the command prints something.
silent() {
	"$@" > "$tmp/out" && [ ! -s "$tmp/out" ] || { cat "$tmp/out"; return 1; }
}

for dir in . conformance; do
	try "go vet finds faults in $dir" go -C "$dir" vet ./...
	# go fix leaves with 0 whether or not it would change anything.
	try "go fix would change $dir" silent go -C "$dir" fix -diff ./...
	try "go mod tidy would change $dir/go.mod or go.sum" go -C "$dir" mod tidy -diff
	try "golangci-lint finds faults in $dir" go -C "$dir" tool -modfile="$tools" golangci-lint run --build-tags containers_image_openpgp ./...
done

# files puts the files that match into a list: those that git knows or would add.
files() { # LIST PATTERN...
	local list=$1 file
	shift
	: > "$list"
	git ls-files -z --cached --others --exclude-standard "$@" > "$tmp/listed" || { say "git does not list $*"; return; }
	while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file" # it may be deleted, and not yet for git
	done < "$tmp/listed" > "$list"
	[ -s "$list" ] || say "no files match $*"
}

files "$tmp/go" '*.go'
try "gofumpt would change these files" silent xargs -0 -r -a "$tmp/go" go tool -modfile="$tools" gofumpt -l
files "$tmp/scripts" '*.sh' .ci/run
try "a script has a syntax error" xargs -0 -r -a "$tmp/scripts" -n 1 bash -n
exit $bad
