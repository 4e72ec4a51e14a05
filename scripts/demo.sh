#!/bin/sh
# demo.sh CSTOR: shows what cstor does, on a store that it makes itself in a
# temporary folder. Needs neither podman nor root.
set -eu
cd "$(dirname "$0")/.."
cstor=$(realpath "$1")
tmp=$(mktemp -d)
# A store's folders may be read-only, as those of an image are.
trap 'chmod -R u+rwX "$tmp" 2>/dev/null || true; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM # a trap that does not leave would let the script go on

bold= plain=
[ ! -t 1 ] || bold=$(printf '\033[1m') plain=$(printf '\033[0m')
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
run() {
	printf '$ cstor'
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_./=:-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	demo "$@"
}
# All files of the sample are ours: no user namespace is needed to read them.
demo() { "$cstor" --root "$tmp/store" --no-unshare "$@"; }

say "Making a sample store in $tmp/store (overlay layout, tar-split, two images sharing a layer)"
CGO_ENABLED=0 go run ./internal/storetest/mkstore "$tmp/store" > "$tmp/made"
echo "$(grep -c '^layer' "$tmp/made") layers, $(grep -c '^image' "$tmp/made") images"

# Every file below the store: inode, owner, mode, times, size.
state() { find "$tmp/store" -printf '%P %i %U:%G %m %T@ %C@ %s\n' | sort | sha256sum; }
before=$(state)

say "What is stored"
run list-images
say "The layers of one image, base first"
run list-layers sample
say "One image in detail"
run inspect-image --format '{{.ID}} {{.OS}}/{{.Architecture}} cmd={{json .Config.Cmd}} layers={{len .DiffIDs}}' sample
layer=$(demo list-layers --quiet sample | tail -n 1)
say "What it shows at /etc, and a file, without mounting anything"
run ls -l sample /etc
run cat sample /etc/hostname
say "The tar of its top layer, rebuilt byte for byte"
run export-layer "$layer" -o "$tmp/layer.tar"
tar -tf "$tmp/layer.tar" | head -n 8
say "Its SHA-256 is the diff id that the store recorded when it unpacked the layer"
recorded=$(demo inspect-layer --format '{{.DiffID}}' "$layer")
exported=sha256:$(sha256sum < "$tmp/layer.tar" | cut -d' ' -f1)
printf 'recorded %s\nexported %s\n' "$recorded" "$exported"
[ "$recorded" = "$exported" ] || { echo "They differ: this must not be." >&2; exit 1; }

say "The image as others read it: an OCI layout; its configuration is named by the image's id"
run copy-to-oci --quiet sample "$tmp/layout"
id=$("$cstor" --root "$tmp/store" inspect-image --format '{{.ID}}' sample)
printf 'image id      sha256:%s\nconfiguration sha256:%s\n' "$id" "$(sha256sum < "$tmp/layout/blobs/sha256/$id" | cut -d' ' -f1)"

[ "$before" = "$(state)" ] || { echo "Something was written below the store: this must not be." >&2; exit 1; }
say "Nothing below the store was written: every inode, time and mode is what it was"

cat <<X

That was a sample. For your own store, the one that podman, buildah or CRI-O made:

    $cstor info
    $cstor list-images
    $cstor ls -l IMAGE /etc
    $cstor cat IMAGE /etc/os-release
    $cstor list-layers IMAGE
    $cstor export-layer LAYER -o layer.tar
    $cstor copy-to-oci IMAGE docker://HOST/NAME:TAG

A store elsewhere:  cstor --root DIR …      A mounted disk:  cstor --sysroot DIR …
X
