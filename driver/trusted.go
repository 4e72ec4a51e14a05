package driver

import (
	"bufio"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
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
	return mayBeRoot(uid, uidMap())
}

// overflowUID is what ids that a namespace does not map look like (linux
// kernel/sys.c:overflowuid), and perhaps a mapped id as well.
const overflowUID = 65534

// mayBeRoot reports whether uid, as a namespace with this map sees it, may be 0
// outside of it.
func mayBeRoot(uid uint32, ids []uidRange) bool {
	if uid == overflowUID {
		return true
	}
	for _, r := range ids {
		if uid >= r.inside && uid-r.inside < r.size {
			return r.outside+(uid-r.inside) == 0
		}
	}
	return true
}

type uidRange struct{ inside, outside, size uint32 }

// uidMap is that of our user namespace.
var uidMap = sync.OnceValue(func() []uidRange {
	f, err := os.Open("/proc/self/uid_map")
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []uidRange
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r uidRange
		if _, err := fmt.Sscan(lines.Text(), &r.inside, &r.outside, &r.size); err == nil {
			all = append(all, r)
		}
	}
	return all
})
