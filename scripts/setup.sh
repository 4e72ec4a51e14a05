#!/bin/sh
# Installs the programs that the tests talk to, where that is possible:
# as root, on Debian or Ubuntu. Elsewhere it does nothing; the tests then say what
# they miss. Running it again is cheap.
set -eu
packages="podman buildah skopeo umoci docker-registry crun uidmap fuse-overlayfs attr strace debootstrap xfsprogs btrfs-progs exfatprogs exfat-fuse busybox-static python3"

missing=
for p in $packages; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $p"
done 2>/dev/null
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "setup: not root on Debian or Ubuntu, so not installed:$missing" >&2
	exit 0
fi
echo "setup: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive

# Nothing may wait for ever: not for a mirror, nor for another apt, nor for an answer
# about a configuration file.
apt() {
	timeout --kill-after=30 300 apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 \
		-o Dpkg::Options::=--force-confold "$@" < /dev/null > /dev/null
}

for try in 1 2 3; do
	if apt update && apt install -y --no-install-recommends $missing; then
		exit 0
	fi
	sleep $((try * 5))
done
echo "setup: apt-get failed" >&2
exit 1
