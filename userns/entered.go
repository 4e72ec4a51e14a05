package userns

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// entered says that the program runs where Enter brought it, or tried to.
var entered atomic.Bool

// enteredEnv is the environment of the program when it is executed anew, with what
// begin is told. Inside, the user's id is 0: as after "podman unshare" three variables
// say who he is outside (container-libs storage/pkg/unshare/unshare_linux.go:Cmd.Start),
// by which everybody who reads the configuration finds his store and not root's.
func enteredEnv(told string) []string {
	env := slices.DeleteFunc(withMarker(os.Environ(), strings.TrimSpace("entered "+told)), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "_CONTAINERS_USERNS_CONFIGURED" || name == "_CONTAINERS_ROOTLESS_UID" || name == "_CONTAINERS_ROOTLESS_GID"
	})
	return append(env, "_CONTAINERS_USERNS_CONFIGURED=done",
		fmt.Sprintf("_CONTAINERS_ROOTLESS_UID=%d", os.Geteuid()), fmt.Sprintf("_CONTAINERS_ROOTLESS_GID=%d", os.Getegid()))
}

// begin is the role of a program that [Enter] has executed anew. It is told what
// descriptor it has got for that: none, "namespace" and the namespace itself, or
// "lifeline" and the end of a pipe that its parent holds the other end of.
func begin(told string) {
	entered.Store(true)
	what, number, _ := strings.Cut(told, " ")
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 3 {
		return
	}
	var st unix.Stat_t
	switch {
	case what == "namespace":
		closeNamespace(fd)
	case what == "lifeline" && unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO:
		unix.CloseOnExec(fd)
		go hangOn(fd)
	}
}

// closeNamespace closes a descriptor if it is what it was said to be, whoever said so.
func closeNamespace(fd int) {
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) == nil && fs.Type == unix.NSFS_MAGIC {
		_ = unix.Close(fd)
	}
}

// hangOn ends this process when its parent has ended, in the way that signals end
// it, so that nothing half done is left behind.
func hangOn(lifeline int) {
	for {
		_, err := unix.Read(lifeline, make([]byte, 1))
		if err != unix.EINTR {
			break
		}
	}
	_ = unix.Kill(unix.Getpid(), unix.SIGTERM)
	time.Sleep(5 * time.Second)
	_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
}
