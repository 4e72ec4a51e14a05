package driver

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/idmap"
)

// canReadTrusted reports whether this process sees trusted.* attributes: without
// CAP_SYS_ADMIN in the first user namespace the kernel leaves them out of every
// answer, without an error (xattr(7)).
var canReadTrusted = sync.OnceValue(func() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0 && inFirstNamespace()
})

// inFirstNamespace reports whether our user namespace is the machine's own, which
// has a fixed number (linux include/linux/proc_ns.h:PROC_USER_INIT_INO). Its id map
// does not tell: others may map all ids to themselves. Without /proc, we believe it.
var inFirstNamespace = sync.OnceValue(func() bool {
	link, err := os.Readlink("/proc/self/ns/user")
	return err != nil || link == "user:[4026531837]"
})

// writtenByRoot reports whether a file that appears to belong to uid may belong to
// the machine's root, whose overlay marks are trusted.* ones.
func writtenByRoot(uid uint32) bool {
	if inFirstNamespace() {
		return uid == 0
	}
	return mayBeRoot(uid, idmap.Own().UIDs)
}

// mayBeRoot reports whether uid, as a namespace with this map sees it, may be 0
// outside of it.
func mayBeRoot(uid uint32, own idmap.Map) bool {
	if uid == idmap.Overflow || len(own) == 0 { // perhaps not mapped, or we do not know
		return true
	}
	outside := own.Out(uid)
	return outside == 0 || outside == idmap.None
}
