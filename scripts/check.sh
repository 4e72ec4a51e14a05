#!/bin/sh
# Formatting, vet, lint, tidiness of every module. Prints what is wrong and fails.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
tools=$PWD/tools/go.mod
bad=0
say() { echo "check: $*" >&2; bad=1; }

for dir in . conformance; do
	(
		cd "$dir"
		export GOFLAGS=-tags=containers_image_openpgp # what the peers need without cgo
		go vet ./...
		# go fix leaves with 0 whether or not it would change anything.
		fixes=$(go fix -diff ./... 2>&1) || true
		[ -z "$fixes" ] || { echo "$fixes"; echo "check: go fix would change $dir" >&2; exit 1; }
		go mod tidy -diff || { echo "check: go mod tidy would change $dir/go.mod or go.sum" >&2; exit 1; }
		go tool -modfile="$tools" golangci-lint run --build-tags containers_image_openpgp ./...
	) || bad=1
done
unformatted=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 go tool -modfile="$tools" gofumpt -l)
[ -z "$unformatted" ] || say "gofumpt would change: $unformatted"
for script in scripts/*.sh .ci/run $(git ls-files 'conformance/**.sh'); do
	bash -n "$script" || say "$script: syntax"
done
exit $bad
