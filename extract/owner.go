package extract

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/tarsplit"
)

// owners says whom entries shall belong to.
type owners struct {
	same       bool // as the headers say
	uids, gids []cstor.IDMap
	own        struct{ uid, gid uint32 }
}

// of returns the owner of an entry, in the ids of the host.
func (o *owners) of(e *tarsplit.Entry) (uid, gid uint32, err error) {
	if uid, err = mapped(o.uids, e.UID); err != nil {
		return 0, 0, fmt.Errorf("user %d: %w", e.UID, err)
	}
	if gid, err = mapped(o.gids, e.GID); err != nil {
		return 0, 0, fmt.Errorf("group %d: %w", e.GID, err)
	}
	return uid, gid, nil
}

func mapped(ranges []cstor.IDMap, id int64) (uint32, error) {
	if len(ranges) == 0 {
		if id < 0 || id >= math.MaxUint32 { // which means: leave it
			return 0, unix.EINVAL
		}
		return uint32(id), nil
	}
	for _, r := range ranges {
		if from := int64(r.ContainerID); id >= from && id-from < int64(r.Size) {
			return uint32(int64(r.HostID) + id - from), nil
		}
	}
	return 0, ErrUnmapped
}

func checkMap(ranges []cstor.IDMap) error {
	for _, r := range ranges {
		if r.ContainerID < 0 || r.HostID < 0 || r.Size <= 0 || int64(r.HostID)+int64(r.Size) > math.MaxUint32 {
			return fmt.Errorf("id map %d:%d:%d: %w", r.ContainerID, r.HostID, r.Size, unix.EINVAL)
		}
	}
	return nil
}

// rights are what this process may do.
type rights struct {
	ordinary bool // it is not root, or so in a namespace only: what the kernel forbids is no error
	anywhere bool // it may enter all directories, whoever owns them
}

func ownRights() rights {
	r := rights{ordinary: os.Geteuid() != 0 || inUserNamespace()}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		const need = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER
		r.anywhere = data[0].Effective&need == need
	}
	return r
}

// inUserNamespace reports whether ids are others than the host's.
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	var from, to, size uint32
	n, err := fmt.Sscan(string(text), &from, &to, &size)
	return n == 3 && err == nil && (from != 0 || to != 0 || size != math.MaxUint32)
}
