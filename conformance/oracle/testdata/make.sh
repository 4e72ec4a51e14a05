#!/bin/sh
# make.sh: the tars of this folder, by GNU tar. They are committed; see README.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
umask 022
long=e/$(printf 'long%.0s' $(seq 30))
mkdir -p d/sub "$long"
printf 'content\n' >d/f
: >d/empty
ln d/f d/hard
ln -s f d/soft
mkfifo d/fifo
printf 'deep' >"$long/name"
printf 'x' >"e/latin1-$(printf '\351')"
truncate -s 20000 sparse
printf 'data' | dd of=sparse bs=1 seek=9000 conv=notrunc status=none
pack() { name=$1; shift; tar -cf "$out/$name.tar" -b 1 --sort=name --owner=u:1 --group=g:1 --mtime=@1700000000 "$@"; }
pack v7 -H v7 --exclude=d/fifo d
pack oldgnu -H oldgnu d e
pack gnu -H gnu d e
pack ustar -H ustar d
pack pax -H posix --pax-option=delete=atime,delete=ctime,exthdr.name=%d/%f.x d e
pack global -H posix --pax-option=globexthdr.name=g,comment=hello,delete=atime,delete=ctime d
pack label -H gnu --label=volume d/f
pack incremental -H gnu --listed-incremental="$dir/snapshot" d
for v in 0.0 0.1 1.0; do
	pack "sparse-$v" -H posix -S --sparse-version=$v --pax-option=delete=atime,delete=ctime,exthdr.name=x sparse d/f
done
pack sparse-gnu -H gnu -S sparse d/f
