#!/bin/bash
# Runs the tests of the main module once more as an ordinary user, when it is started
# by root: stores of one's own, files that may not be read, no devices. The tests are
# built first and run in a copy of the tree, because the user may not get into root's.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "an ordinary user runs them already"; exit 0; }
dir=$(mktemp -d)
trap 'chmod -R u+rwX "$dir" 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/src" "$dir/bin" "$dir/home" "$dir/tmp"
git ls-files -z --cached --others --exclude-standard | tar --null -cf - --ignore-failed-read -T - 2>/dev/null | tar -xf - -C "$dir/src"
chmod 755 "$dir"
chown -R 65534:65534 "$dir"

failed=
fail() { # PACKAGE, in a line as the go command has it
	failed="$failed $1"
	printf 'FAIL\t%s\n' "$1"
}

# Into a file first: a loop that reads from a command does not see it fail.
go list -f '{{.ImportPath}} {{.Dir}}' ./... > "$dir/packages"
while read -r package folder; do
	folder=./${folder#"$PWD"}
	binary=$dir/bin/$(echo "$package" | tr / _).test
	echo "== $package"
	go test -c -o "$binary" "$package" || { fail "$package"; continue; }
	[ -e "$binary" ] || continue # no tests
	# What asks the go command about the tree was asked by root. The time limit leaves
	# the test in this process group, so that whoever ends that ends it too.
	(cd "$dir/src/$folder" && timeout --foreground 300 setpriv --reuid 65534 --regid 65534 --clear-groups \
		env -i PATH="$PATH" HOME="$dir/home" TMPDIR="$dir/tmp" \
		"$binary" -test.v -test.short -test.timeout 4m -test.skip '^(TestArrows|TestModulesOfTheLibrary)$') < /dev/null || fail "$package"
done < "$dir/packages"
[ -z "$failed" ] || { echo "failed as an ordinary user:$failed"; exit 1; }
