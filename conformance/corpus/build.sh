#!/bin/bash
# Builds one store with the podman, buildah and skopeo found in $PATH.
#
#   build.sh STEP...
#
# The steps are the functions below. The environment says where: IN, the folder that fixture.Write made; OUT, an existing
# folder with storage.conf (and lender.conf, for a store that lends its images), which also takes what the tools say of the
# store; RUN, a folder for podman's runtime files; REGISTRY, host:port of a registry, for the steps that pull from one;
# ARCHIVES, the folder that fixture.WriteArchives filled, for the step of that name.
#
# A pull that the tools refuse is no error: its name and the last line of the complaint go to OUT/refused. Everything
# else that does not work ends the script.
set -euo pipefail
export IN OUT RUN REGISTRY=${REGISTRY:-} TMPDIR=$OUT/tmp CONTAINERS_STORAGE_CONF=${CONTAINERS_STORAGE_CONF:-$OUT/storage.conf}
export HOME=$OUT/home # podman keeps the driver of its first store there, and insists on it
export XDG_RUNTIME_DIR=$RUN # and there an ordinary user's run root, whatever storage.conf says
mkdir -p "$RUN" "$TMPDIR" "$HOME"
chmod 700 "$RUN"
touch "$OUT/refused"

P() { podman --tmpdir "$RUN/tmp" "$@"; }

# as-root runs another step as root: in the user namespace when the caller is an ordinary user.
as-root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else buildah unshare bash "$0" "$@"; fi
}

# pull SOURCE NAME copies one image; the name is a full one. A skopeo that crashed has said nothing of the image, and is run
# again; what it printed stays in OUT/crashed.
pull() {
	local try
	for try in 1 2 3; do
		skopeo --insecure-policy copy -q --src-tls-verify=false "$1" "containers-storage:$2" > /dev/null 2> "$TMPDIR/complaint" && return
		grep -q '^goroutine ' "$TMPDIR/complaint" || break
		{ echo "skopeo, $2, try $try:" && cat "$TMPDIR/complaint"; } >> "$OUT/crashed"
	done
	echo "$2: $(grep -m 1 -E '^(panic|fatal error): ' "$TMPDIR/complaint" || tail -n 1 "$TMPDIR/complaint")" >> "$OUT/refused"
}

# must-pull is pull for images that every tool takes.
must-pull() {
	pull "$@"
	if grep -F "$2: " "$OUT/refused" >&2; then exit 1; fi
}

digest-of() { sed -n "s/^$1 //p" "$IN/digests"; }

# ordinary pulls images of each compression, form and way of naming.
ordinary() {
	must-pull "oci:$IN/oci:gzip" docker.io/library/fixture:gzip
	must-pull "oci:$IN/oci:zstd" localhost/fixture:zstd
	must-pull "oci:$IN/oci:plain" quay.io/some/where/fixture:plain
	must-pull "oci:$IN/oci:empty" docker.io/library/empty:latest
	must-pull "oci:$IN/oci:repeat" docker.io/someone/repeat:latest
	must-pull "oci:$IN/oci:twin" "localhost/twin@$(digest-of twin)"
	must-pull "dir:$IN/schema1" localhost/schema1:latest
	pull "oci:$IN/oci:no-layers" localhost/no-layers:latest
	pull "oci:$IN/oci:devices" localhost/devices:latest
	must-pull "docker-archive:$IN/docker.tar" docker.io/library/fixture:archive
	# The same image through another manifest: one record that answers to two manifests.
	must-pull "oci:$IN/oci:gzip-again" localhost/again:latest
	# An index: the instance for this machine is stored, with the index beside it.
	must-pull "oci:$IN/oci:multi" localhost/multi:latest
	must-pull "oci:$IN/oci:multi" "localhost/multi@$(digest-of multi)"
	must-pull "oci:$IN/oci:arm64" localhost/arm64:latest
	# Two images that share a name's last part, so that a short name is ambiguous.
	must-pull "oci:$IN/oci:twin" quay.io/one/common:latest
	must-pull "oci:$IN/oci:plain" quay.io/two/common:latest
	# A name moved to another image leaves the first one without.
	must-pull "oci:$IN/oci:repeat" localhost/moved:latest
	P untag docker.io/someone/repeat:latest
	must-pull "oci:$IN/oci:arm64" localhost/moved:latest
	P tag localhost/fixture:zstd localhost/fixture:tag1 localhost/fixture:tag2 docker.io/library/zstd:v1
}

# foreign pulls the layers that no container tool writes.
foreign() {
	local t
	for t in $(sed -n 's/^foreign-\([^ ]*\) .*/\1/p' "$IN/digests"); do
		pull "oci:$IN/oci:foreign-$t" "localhost/foreign:$t"
	done
}

# archives pulls the tars on which Go and tar-split test their readers.
archives() {
	local name
	while read -r name _; do
		pull "oci:$ARCHIVES/oci:$name" "localhost/archive:$name"
	done < "$ARCHIVES/digests"
}

# fill makes files of every kind below the current folder, in a container that buildah mounted.
fill() {
	mkdir -p usr/share/d etc odd/empty
	echo one > odd/a
	ln odd/a odd/b
	ln -s a odd/c
	ln -s /etc/passwd odd/abs
	mkfifo odd/fifo
	head -c 300000 /dev/zero > odd/zeros
	truncate -s 1M odd/hole
	printf 'x' | dd of=odd/hole bs=1 seek=500000 conv=notrunc status=none
	echo u > 'odd/ünïcödé-🙂'
	echo n > "$(printf 'odd/new\nline')"
	echo b > "$(printf 'odd/latin-\351')"
	echo l > "odd/$(printf 'l%.0s' $(seq 200))"
	echo m > odd/mode
	chmod 4711 odd/mode
	touch -d @1234567890.5 odd/mode
	setfattr -n user.note -v value odd/a
	mknod odd/null c 1 3 2> /dev/null || :
	for i in 1 2 3; do echo "$i" > "usr/share/d/$i"; done
	echo gone > etc/gone
	chown 33:33 etc/gone
}

# change deletes and replaces some of what fill made.
change() {
	rm etc/gone
	rm -r usr/share/d
	mkdir usr/share/d
	echo only > usr/share/d/only
	rm -r odd/empty
	echo file > odd/empty
	chmod 700 odd
}

# add makes another child of what fill made.
add() { echo more > more; }

# alter makes every kind of change in the root of an image that fill made.
alter() {
	echo created > created
	echo appended >> odd/zeros
	rm etc/gone
	rm -r usr/share/d
	mkdir usr/share/d
	echo only > usr/share/d/only
	rm -r odd/empty
	echo file > odd/empty
	rm odd/c
	mkdir odd/c
	echo below > odd/c/below
	mkdir -p deep/er
	echo deep > deep/er/file
	echo first > linked
	ln linked again
	ln linked deep/third
	ln -s created symbolic
	ln odd/abs odd/abs-again
	mkfifo pipe
	mknod device c 1 7 2> /dev/null || :
	mknod disk b 8 1 2> /dev/null || :
	chmod 4750 odd/mode
	chmod 1777 odd
	chown 12:34 'odd/ünïcödé-🙂'
	setfattr -n user.added -v value odd/a
	setfattr -n user.dir -v value deep
	setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 created 2> /dev/null || :
	chmod 6711 linked
	touch -d @1234567890.5 created
	touch -d @-1000.25 deep/er/file
	: > empty
	truncate -s 1M hole
	printf 'x' | dd of=hole bs=1 seek=500000 conv=notrunc status=none
	echo n > "$(printf 'new\nline')"
	echo b > "$(printf 'latin-\351')"
	echo l > "$(printf 'l%.0s' $(seq 200))"
	ln -s "$(printf 't%.0s' $(seq 200))" long-target
	rm odd/fifo
	mv etc moved
	mkdir tmp
	chmod 700 tmp
}

# changed leaves a container with such changes, which nobody commits.
changed() { as-root change-all; }

change-all() {
	local m
	buildah from --pull-never --name changed localhost/built:1 > /dev/null
	m=$(buildah mount changed)
	(cd "$m" && alter)
	buildah umount changed > /dev/null
}

# grow BASE FUNCTION NAME commits BASE, changed by FUNCTION, as NAME. Needs root or a user namespace.
grow() {
	local c m
	c=$(buildah from --pull-never "$1")
	m=$(buildah mount "$c")
	(cd "$m" && "$2")
	buildah umount "$c" > /dev/null
	buildah commit -q --rm "$c" "$3" > /dev/null
}

# built makes images with buildah: from nothing, with whiteouts and opaque directories, with an empty layer, without name.
built() { as-root build-all; }

build-all() {
	grow scratch fill localhost/built:1
	grow localhost/built:1 change localhost/built:2
	grow localhost/built:2 : localhost/built:empty-layer
	grow localhost/built:1 add localhost/built:sibling
	c=$(buildah from --pull-never localhost/built:1)
	buildah config --label dangling=yes "$c"
	buildah commit -q --rm "$c" > /dev/null
}

# containers makes containers with podman and buildah and commits one.
containers() {
	P create --name keeper docker.io/library/fixture:gzip /bin/tool > /dev/null
	P create --rm --name volatile docker.io/library/fixture:gzip /bin/tool > /dev/null
	echo copied > "$TMPDIR/copied"
	P cp "$TMPDIR/copied" keeper:/etc/copied
	P commit -q keeper localhost/committed:latest > /dev/null
	buildah from --pull-never --name working localhost/fixture:zstd > /dev/null
	buildah from --pull-never --name from-nothing scratch > /dev/null
}

# manifests makes manifest lists with podman.
manifests() {
	P manifest create localhost/list:latest > /dev/null
	P manifest add localhost/list:latest "containers-storage:quay.io/one/common:latest" > /dev/null
	P manifest create localhost/list:bare > /dev/null
}

# lend fills the store of lender.conf, the images of which the main store sees, and makes children of them in the main one.
lend() {
	CONTAINERS_STORAGE_CONF=$OUT/lender.conf bash "$0" ordinary
	as-root borrow
}

borrow() {
	grow docker.io/library/fixture:gzip add localhost/child:latest
	# A tag copies the record and the big data of a borrowed image, and no layer.
	P tag localhost/fixture:zstd localhost/borrowed:tagged
	P create --name on-borrowed quay.io/some/where/fixture:plain /bin/tool > /dev/null
}

# mapped makes a container with id maps on a driver that may not use idmapped mounts: the top layer gets a shifted copy.
mapped() {
	_CONTAINERS_OVERLAY_DISABLE_IDMAP=yes P create --uidmap 0:200000:65536 --gidmap 0:200000:65536 --name shifted \
		docker.io/library/fixture:gzip /bin/tool > /dev/null
	P create --uidmap 0:300000:65536 --gidmap 0:300000:65536 --name idmapped docker.io/library/fixture:archive /bin/tool > /dev/null
	echo copied > "$TMPDIR/copied"
	_CONTAINERS_OVERLAY_DISABLE_IDMAP=yes P cp "$TMPDIR/copied" shifted:/etc/copied
	P cp "$TMPDIR/copied" idmapped:/etc/copied
}

# owned makes an image whose files have their owners for names, and runs containers with id maps that change it. What each sees
# goes to OUT/seen.NAME.
owned() {
	# Storage 1.63 and later warns of a key that older ones need, and takes the warning of a process that it starts for an error.
	if [[ $(P info 2>&1) == *rootless_storage_path*deprecated* ]]; then
		sed '/^rootless_storage_path/d' "$CONTAINERS_STORAGE_CONF" > "$OUT/owned.conf"
		export CONTAINERS_STORAGE_CONF=$OUT/owned.conf
	fi
	as-root own
	see plain
	if [ "$(id -u)" = 0 ]; then
		see shifted --uidmap 0:200000:65536 --gidmap 0:300000:65536
		see split --uidmap 0:200000:1000 --uidmap 1000:400000:64536 --gidmap 0:300000:33 --gidmap 33:500000:65503
		_CONTAINERS_OVERLAY_DISABLE_IDMAP=yes see chowned --uidmap 0:600000:65536 --gidmap 0:700000:65536
		P create --uidmap 0:200000:65536 --gidmap 0:300000:65536 --name never localhost/owned:2 > /dev/null
	else
		see auto --userns=auto:size=2000 # takes ids that no other container has
		see shifted --uidmap 0:100:5000 --gidmap 0:200:5000
		see split --uidmap 0:1:1000 --uidmap 1000:2000:50000 --gidmap 0:5:33 --gidmap 33:2000:50000
		see root-kept --uidmap 0:0:1 --uidmap 1:2000:50000 --gidmap 0:0:1 --gidmap 1:2000:50000
		see kept --userns=keep-id
		P create --uidmap 0:100:5000 --gidmap 0:200:5000 --name never localhost/owned:2 > /dev/null
	fi
	as-root see-by-buildah
}

# see NAME OPTION... runs a container.
see() {
	local name=$1
	shift
	P run --user 0 --name "$name" "$@" localhost/owned:2 /bin/sh /bin/alter > "$OUT/seen.$name"
}

see-by-buildah() {
	local maps=(--userns-uid-map=0:100:5000 --userns-gid-map=0:200:5000)
	if [ -z "${_CONTAINERS_ROOTLESS_UID:-}" ]; then maps=(--userns-uid-map=0:200000:65536 --userns-gid-map=0:300000:65536); fi
	buildah from --pull-never --name by-buildah "${maps[@]}" localhost/owned:2 > /dev/null
	buildah run --isolation oci --network none by-buildah /bin/sh /bin/alter > "$OUT/seen.by-buildah"
}

own() {
	grow scratch possess localhost/owned:1
	grow localhost/owned:1 repossess localhost/owned:2
}

OWNERS="0-0 1-1 33-34 1000-1000 65534-65534 65535-65535"

possess() {
	local o
	mkdir -p bin etc dev proc sys run tmp c/dir d/dirs d/same n
	cp "$(command -v busybox)" bin/busybox
	for o in sh cat chmod chown find ln mkdir rm stat; do ln -s busybox bin/$o; done
	echo root:x:0:0:root:/:/bin/sh > etc/passwd
	for o in $OWNERS; do
		mkdir "d/dirs/$o"
		echo "$o" > "d/$o"
		echo "$o" > "d/dirs/$o/$o"
		echo "$o" > "c/$o"
		ln -s x "d/l$o"
		ln -s x "c/l$o"
		ln "d/$o" "d/same/$o"
		chown -h "${o%-*}:${o#*-}" "d/$o" "c/$o" "d/l$o" "c/l$o" "d/dirs/$o" "d/dirs/$o/$o"
	done
	setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 d/0-0
	echo below > c/dir/below
	echo gone > c/gone
	echo gone > d/gone
	mkdir d/opaque
	echo hidden > d/opaque/hidden # a commit under fuse-overlayfs forgets that, and shows it
	cat > bin/alter << 'END'
for o in 0-0 1-1 33-34 1000-1000; do
	echo "$o" > "/n/$o"
	ln -s x "/n/l$o"
	chown -h "${o%-*}:${o#*-}" "/n/$o" "/n/l$o"
done
chown 5:6 /c/33-34
chown -h 7:8 /c/l33-34
chmod 4711 /c/1-1
# An ordinary user's container may not delete what the image has if the user himself has no id in it.
rm -r /c/gone /c/dir 2> /dev/null
mkdir -p /c/dir
chown 9:10 /c/dir
echo new > /c/dir/new
stat -c '%u:%g %n' /
find /c /d /n -exec stat -c '%u:%g %n' {} \;
END
}

repossess() {
	rm -r d/gone d/opaque
	mkdir d/opaque
	echo shown > d/opaque/33-34
	chown 33:34 d/opaque/33-34
	chown 33:1000 d/dirs/33-34/33-34
	mv d/dirs/33-34/33-34 d/dirs/33-34/33-1000
}

# diffed makes containers that change what their image has, in every way, by running and through a mount. What podman says
# of them goes to OUT/diff.NAME.json, and their trees to OUT/tree.NAME.tar.
diffed() {
	# See owned.
	if [[ $(P info 2>&1) == *rootless_storage_path*deprecated* ]]; then
		sed '/^rootless_storage_path/d' "$CONTAINERS_STORAGE_CONF" > "$OUT/diffed.conf"
		export CONTAINERS_STORAGE_CONF=$OUT/diffed.conf
	fi
	diffed-mounted
	P run --name run localhost/diffed:2 /bin/sh /bin/vary
	P run -d --name executed localhost/diffed:2 /bin/sh -c 'while [ ! -e /tmp/end ]; do sleep 0.1; done' > /dev/null
	P exec executed /bin/sh /bin/vary
	P exec executed /bin/sh -c 'echo again >> /d/kept; touch /tmp/end'
	P wait executed > /dev/null
	describe run
	describe executed
}

# diffed-mounted is what a machine can do on which no containers run.
diffed-mounted() {
	as-root vary-all
	P create --name never localhost/diffed:2 /bin/sh > /dev/null
	echo copied > "$TMPDIR/copied"
	P create --name given localhost/diffed:2 /bin/sh > /dev/null
	P cp "$TMPDIR/copied" given:/d/new
	P cp "$TMPDIR/copied" given:/d/kept
	describe never
	describe given
}

describe() {
	P diff --format json "$1" > "$OUT/diff.$1.json"
	P export "$1" > "$OUT/tree.$1.tar"
}

vary-all() {
	local m
	grow scratch variable localhost/diffed:1
	grow localhost/diffed:1 varied localhost/diffed:2
	for c in mounted buildah; do
		buildah from --pull-never --name $c localhost/diffed:2 > /dev/null
		m=$(buildah mount $c)
		if [ $c = mounted ]; then
			(cd "$m" && vary)
		else
			(cd "$m" && rm -r d/sub && echo more > more && chmod 700 d)
		fi
		buildah umount $c > /dev/null
		P diff --format json $c > "$OUT/diff.$c.json"
		m=$(buildah mount $c)
		tar -C "$m" --numeric-owner -cf "$OUT/tree.$c.tar" .
		buildah umount $c > /dev/null
	done
}

variable() {
	mkdir -p bin etc dev proc sys run tmp d/sub/deep d/gone d/replaced d/moved/in d/plain d/file e
	cp "$(command -v busybox)" bin/busybox
	for o in sh cat chmod chown ln mkdir mv rm sleep touch; do ln -s busybox bin/$o; done
	echo root:x:0:0:root:/:/bin/sh > etc/passwd
	for o in kept grown moded owned linked touched sub/a sub/deep/b gone/x gone/y replaced/x replaced/both moved/x moved/in/y plain/x file/x; do
		echo "$o" > "d/$o"
	done
	ln -s kept d/symlink
	(echo 'cd /' && declare -f vary && echo vary) > bin/vary
}

# varied is what a second layer of the image has.
varied() {
	echo two > d/two
	rm d/sub/a
	echo upper > d/kept
}

# vary runs in the container as well, where there is a small shell.
vary() {
	echo new > d/new
	mkdir -p d/fresh/er
	echo new > d/fresh/er/file
	rm d/gone/x d/linked
	rm -r d/sub
	rm -r d/replaced
	mkdir d/replaced
	echo new > d/replaced/both
	echo new > d/replaced/fresh
	echo more >> d/grown
	chmod 4750 d/moded
	chown 5:6 d/owned
	chmod 711 d/plain
	rm -r d/file
	echo file > d/file
	rm d/two
	mkdir d/two # empty: in what was a file podman diff sees nothing but an error
	mv d/moved d/elsewhere
	echo more > d/elsewhere/more
	mv d/kept e/kept
	ln d/grown e/again
	ln -s nothing e/dangling
	mkdir e/sub
	rm -r e/sub
}

# chunked pulls layers in parts, then converts ordinary ones.
chunked() {
	must-pull "docker://$REGISTRY/chunked:gzip" localhost/chunked:latest
	must-pull "docker://$REGISTRY/chunked:empty" localhost/chunked:empty
	must-pull "docker://$REGISTRY/oci:plain" localhost/converted:latest
	must-pull "oci:$IN/oci:repeat" localhost/ordinary:latest
}

# estargz pulls layers in parts, and one image at once.
estargz() {
	local tag
	for tag in gzip odd chunked; do
		must-pull "docker://$REGISTRY/estargz:$tag" "localhost/estargz:$tag"
	done
	must-pull "oci:$IN/oci:repeat" localhost/ordinary:latest
}

# lent pulls an image whose layers are in an additional layer store: none of their blobs is asked for.
lent() {
	must-pull "docker://$REGISTRY/oci:gzip" docker.io/library/fixture:gzip
	must-pull "oci:$IN/oci:repeat" localhost/ordinary:latest
}

# stacks pulls the images whose layers delete and replace what others have; not every tool and driver takes each.
stacks() {
	local name
	for name in $(sed -n '/^many /d; s/ .*//p' "$IN/stack-digests"); do
		pull "oci:$IN/stacks:$name" "localhost/stack:$name"
	done
}

# many pulls the one that has many layers.
many() { must-pull "oci:$IN/stacks:many" localhost/stack:many; }

# stacks-served pulls from the registry, as it takes to have layers converted.
stacks-served() {
	local name
	for name in $(sed -n '/^many /d; s/ .*//p' "$IN/stack-digests"); do
		pull "docker://$REGISTRY/stacks:$name" "localhost/stack:$name"
	done
}

# unpacked has umoci, if there is one, unpack all images of both layouts.
unpacked() {
	command -v umoci > /dev/null || return 0
	unpack oci "$IN/digests"
	unpack stacks "$IN/stack-digests"
}

unpack() {
	local ref
	mkdir -p "$OUT/unpacked/$1"
	while read -r ref _; do
		umoci unpack --image "$IN/$1:$ref" "$OUT/unpacked/$1/$ref" > "$TMPDIR/complaint" 2>&1 || {
			echo "umoci $1:$ref: $(tail -n 1 "$TMPDIR/complaint")" >> "$OUT/refused"
			rm -rf "${OUT:?}/unpacked/$1/$ref"
		}
	done < "$2"
}

# managed makes containers in each state, pods and volumes, and records what podman says of them. One container runs on.
managed() {
	as-root outfit-all
	P volume create --label keep=yes data > /dev/null
	P volume create unused > /dev/null
	P create --name made --label tier=web --user 33 --hostname host --restart on-failure -v data:/data:nosuid -v /etc:/host:ro --tmpfs /scratch \
		-v /anonymous --env A=b localhost/managed:1 /bin/busybox echo 'two words' > /dev/null
	if P run --rm localhost/managed:1 /bin/busybox true 2> "$TMPDIR/complaint"; then
		P run --name failed localhost/managed:1 /bin/busybox sh -c 'exit 3' || [ $? = 3 ]
		P run --name ended --entrypoint /bin/busybox localhost/managed:1 true
		P run -d --name runs -v data:/data localhost/managed:1 /bin/busybox sleep 10000 > /dev/null
	else # an old crun does not run everywhere
		echo "run: $(tail -n 1 "$TMPDIR/complaint")" >> "$OUT/refused"
	fi
	P create --name ported --network bridge -p 127.0.0.1:8080:80 -p 9000-9003:9000-9003/udp --expose 443 localhost/managed:1 /bin/busybox true > /dev/null
	P create --rm --name volatile localhost/managed:1 /bin/busybox true > /dev/null
	P create --name renamed-soon localhost/managed:1 /bin/busybox true > /dev/null
	P rename renamed-soon renamed
	mkdir -p "$OUT/rootfs/bin"
	cp "$(command -v busybox)" "$OUT/rootfs/bin"
	P create --name rooted --rootfs "$OUT/rootfs" /bin/busybox true > /dev/null
	P pod create --name bare --infra=false --label pod=yes > /dev/null
	P create --pod bare --name member localhost/managed:1 /bin/busybox true > /dev/null
	P pod create --name empty --infra=false > /dev/null
	if P pod create --name whole --share ipc > /dev/null 2> "$TMPDIR/complaint"; then
		P create --pod whole --name part localhost/managed:1 /bin/busybox true > /dev/null
	else # its image is not made by every version without help
		echo "pod with infra container: $(tail -n 1 "$TMPDIR/complaint")" >> "$OUT/refused"
	fi
	as-root begin-working
	P ps --all --external --pod --no-trunc --format json > "$OUT/podman-ps.json"
	P inspect --type container $(P ps --all --quiet) > "$OUT/podman-inspect.json"
	P pod ps --no-trunc --format json > "$OUT/podman-pods.json"
	P volume ls --format json > "$OUT/podman-volumes.json"
}

begin-working() { buildah from --pull-never --name working localhost/managed:1 > /dev/null; }

outfit-all() { grow scratch outfit localhost/managed:1; }

outfit() {
	mkdir -p bin etc dev proc sys run tmp data
	cp "$(command -v busybox)" bin/busybox
	echo root:x:0:0:root:/:/bin/sh > etc/passwd
}

# ask records what podman says of the images.
ask() {
	P images --all --digests --no-trunc --format json > "$OUT/podman-images.json"
}

# lookups records which image podman takes for each line of IN/refs.
lookups() {
	local ref
	while read -r ref; do
		printf '%s\t%s\n' "$ref" "$(P image inspect --format '{{.Id}}' "$ref" 2> /dev/null || :)"
	done < "$IN/refs" > "$OUT/podman-lookups"
}

# pause-end ends the process by which an ordinary user's podman keeps its user namespace.
pause-end() {
	local file
	for file in "$RUN/tmp/pause.pid" "$RUN/libpod/tmp/pause.pid"; do
		if [ -s "$file" ]; then kill "$(cat "$file")" || :; fi
	done
}
[ "$(id -u)" = 0 ] || trap pause-end EXIT

for step in "$@"; do "$step"; done
