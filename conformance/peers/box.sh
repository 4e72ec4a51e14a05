#!/bin/bash
# The real podman, buildah and skopeo of another Debian release, each release in a box of its own: a root file system made
# by debootstrap, entered through namespaces that pivot into it.
#
#   box.sh make  SUITE              debootstrap SUITE (trixie or sid) unless that is done; about 45 s
#   box.sh start SUITE [PID]        start the box; prints "started", or "running" when it already was. It ends with process PID
#   box.sh run   SUITE CMD ARG...   run a command as root inside
#   box.sh user  SUITE SCRIPT       run a shell script as the ordinary user u1, who has subordinate ids
#   box.sh root  SUITE              print where the root file system lies
#   box.sh stop  SUITE              stop the box; everything that runs or is mounted inside ends with it
#
# $CSTOR_PEERS is the folder that holds the root file systems (default /var/tmp/cstor-peers): SUITE/ is one of them, and
# SUITE/.complete says that it is whole. $MIRROR is the package mirror, by default the first one that apt is configured with.
# Needs root, debootstrap and util-linux.
#
# A plain chroot will not do. The kernel refuses user namespaces there; and pivot_root, which container runtimes call,
# leaves the mount namespace's own root alone, so that a process which later joins a "container" finds itself in the root
# of the machine, with every right. The box therefore has a mount and a pid namespace and pivots into its root, and its
# /dev is a tmpfs with device nodes of its own: devtmpfs is a single instance for the whole machine.
set -euo pipefail

usage() { sed -n '5,10p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 suite=$2
shift 2
case $suite in trixie | sid) ;; *) echo "box.sh: unknown suite $suite" >&2; exit 2 ;; esac

peers=${CSTOR_PEERS:-/var/tmp/cstor-peers}
root=$peers/$suite
state=$peers/$suite.pids # "UNSHARE INIT": the process that waits outside, and the first process of the box

# running sets init to the first process of the box, a sleep, and is false when there is none.
running() {
	[ -s "$state" ] && read -r _ init < "$state" && [ "$(cat "/proc/$init/comm" 2> /dev/null)" = sleep ]
}

configured_mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | grep -v '^ *#' |
		grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' '
}

make_box() {
	[ ! -e "$root/.complete" ] || return 0
	local packages=ca-certificates,podman,buildah,skopeo,crun,conmon,netavark,fuse-overlayfs,uidmap,passt,catatonit,sqlite3,jq,attr,procps,busybox-static
	[ "$suite" != sid ] || packages+=,containers-storage,composefs,umoci
	mkdir -p "$peers"
	rm -rf --one-file-system "$root"
	if ! debootstrap --variant=minbase --include="$packages" "$suite" "$root" "${MIRROR:-$(configured_mirror)}" \
		> "$peers/$suite.log" 2>&1; then
		echo "box.sh: debootstrap $suite: $(tail -n 1 "$peers/$suite.log")" >&2
		exit 1
	fi
	chroot "$root" useradd -m -s /bin/bash u1 # fills /etc/subuid and /etc/subgid too
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' > "$root/etc/containers/policy.json"
	# For machines without CAP_SYS_RESOURCE and cgroup delegation.
	cat > "$root/etc/peers.conf" <<- 'END'
		[containers]
		cgroups = "disabled"
		netns = "none"
		default_ulimits = ["nofile=1024:1024","nproc=4096:4096"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
	END
	touch "$root/.complete"
}

# Runs inside the new namespaces with the root file system as $1.
enter='
set -e
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm dev/net
while read -r name major minor; do
	mknod -m 666 "dev/$name" c "$major" "$minor"
done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
fuse 10 229
net/tun 10 200
END
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
ln -s pts/ptmx dev/ptmx
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs shm dev/shm
mount -t tmpfs -o mode=755 run run
mkdir -p -m 700 run/user/1000
chown 1000:1000 run/user/1000
mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
rmdir /.old
mount --make-rshared /
exec sleep infinity
'

start_box() {
	if running; then echo running; return; fi
	[ -e "$root/.complete" ] || { echo "box.sh: make $suite first" >&2; exit 1; }
	unshare --mount --pid --fork --kill-child --propagation private \
		bash -c "$enter" box "$root" < /dev/null > "$peers/$suite.log" 2>&1 &
	local outer=$! child=
	for _ in $(seq 100); do
		child=$(cat "/proc/$outer/task/$outer/children" 2> /dev/null || true)
		child=${child%% *}
		[ -z "$child" ] || [ "$(cat "/proc/$child/comm" 2> /dev/null)" != sleep ] || break
		sleep 0.1
	done
	echo "$outer $child" > "$state"
	running || { echo "box.sh: $suite did not start: $(tail -n 1 "$peers/$suite.log")" >&2; exit 1; }
	if [ $# -gt 0 ]; then end_with "$1" "$init" < /dev/null > /dev/null 2>&1 & fi
	echo started
}

# end_with waits for the end of a process, then stops the box if it is still the one with that init.
end_with() {
	tail --pid="$1" -f /dev/null
	! running || [ "$init" != "$2" ] || stop_box
}

stop_box() {
	! running || kill -9 "$init"
	rm -f "$state"
}

inside() {
	running || { echo "box.sh: start $suite first" >&2; exit 1; }
	exec nsenter --target "$init" --mount --pid --root --wd -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 BUILDAH_ISOLATION=chroot CONTAINERS_CONF_OVERRIDE=/etc/peers.conf "$@"
}

case $verb in
make) make_box ;;
start) start_box "$@" ;;
run) inside "$@" ;;
user) inside su u1 -c "export HOME=/home/u1 XDG_RUNTIME_DIR=/run/user/1000; cd; $1" ;;
root) echo "$root" ;;
stop) stop_box ;;
*) usage ;;
esac
