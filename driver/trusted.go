package driver

import (
	"bufio"
	"fmt"
	"math"
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
	if unix.Capget(&header, &data[0]) != nil || data[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
		return false
	}
	m := uidMap()
	return len(m) == 1 && m[0] == uidRange{0, 0, math.MaxUint32}
})

// writtenByRoot reports whether a file that appears to belong to uid belongs to the
// machine's root, whose overlay marks are trusted.* ones. A uid that our namespace
// does not map may be root's.
func writtenByRoot(uid uint32) bool {
	for _, r := range uidMap() {
		if uid >= r.inside && uid-r.inside < r.size {
			return r.outside+(uid-r.inside) == 0
		}
	}
	return true
}

type uidRange struct{ inside, outside, size uint32 }

// uidMap is that of our user namespace; without /proc, the first namespace's.
var uidMap = sync.OnceValue(func() []uidRange {
	f, err := os.Open("/proc/self/uid_map")
	if err != nil {
		return []uidRange{{0, 0, math.MaxUint32}}
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
