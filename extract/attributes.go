package extract

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/tarsplit"
)

const setIDs = 0o6000 // set-user-id and set-group-id

// node is something that has been made and gets its metadata.
type node struct {
	path string
	dir  int    // descriptor of the directory that it is in
	base string // its name there
	fd   int    // its own descriptor; -1 if it cannot be opened, so that dir and base count
	kind byte
	mode uint32 // permissions that it has
}

// describe gives a node its owner, attributes, mode and times, in this order: another
// owner takes away set-id bits and capabilities, and attributes may change the mode.
func (w *worker) describe(n *node, e *tarsplit.Entry) error {
	mode := uint32(e.Mode) & 0o7777
	dropped, err := w.chown(n, e)
	if err != nil {
		return err
	}
	if dropped &= mode; dropped != 0 {
		mode &^= dropped
		w.report.Lost.SetIDs.add(n.path, nil)
	}
	if len(e.Xattrs) > 0 {
		if err := w.setXattrs(n, e.Xattrs); err != nil {
			return err
		}
	}
	// Linux knows no modes of symbolic links. What was written to, or has got another
	// owner, has lost its set-id bits, and a list of access rights has changed the mode.
	if n.kind != '2' && (n.mode != mode || mode&setIDs != 0 || len(e.Xattrs) > 0) {
		if err := n.chmod(mode); err != nil {
			return failed("chmod", err)
		}
	}
	err = n.touch(e)
	if errors.Is(err, unix.ERANGE) && w.mayLose(err) {
		w.report.Lost.Times.add(n.path, err)
		return nil
	}
	return failed("set times", err)
}

// chown gives a node its owner. Of those set-id bits that it must not have, as its owner
// is another one, it returns the set.
func (w *worker) chown(n *node, e *tarsplit.Entry) (dropped uint32, err error) {
	uid, gid, err := w.owners.of(e)
	own := w.owners.own
	if !w.owners.same {
		if n.kind == '5' {
			return 0, nil
		}
		if err != nil || uid != own.uid {
			dropped |= 0o4000
		}
		if err != nil || gid != own.gid {
			dropped |= 0o2000
		}
		return dropped, nil
	}
	if err != nil {
		return 0, failed("chown", err)
	}
	if uid == own.uid && gid == own.gid && !w.to.odd {
		return 0, nil
	}
	if n.fd >= 0 {
		err = unix.Fchown(n.fd, int(uid), int(gid))
	} else {
		err = unix.Fchownat(n.dir, n.base, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil {
		return 0, nil
	}
	if !w.mayLose(err) {
		return 0, failed("chown", err)
	}
	w.report.Lost.Owners.add(n.path, err)
	if n.kind == '5' {
		return 0, nil
	}
	return setIDs, nil
}

// mayLose reports whether what failed is to be counted, and else ignored.
func (x *extraction) mayLose(err error) bool {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return x.opts.Lossy || x.rights.ordinary
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOVERFLOW),
		errors.Is(err, unix.E2BIG), errors.Is(err, unix.ERANGE):
		return x.opts.Lossy
	}
	return false // so it is with ENOSPC, which ext4 also says of attributes that are too large
}

func (w *worker) setXattrs(n *node, attrs map[string]string) error {
	path := ""
	if n.fd < 0 {
		path = "/proc/self/fd/" + strconv.Itoa(n.dir) + "/" + n.base
	} else if n.kind == '0' && w.rights.ordinary && n.mode&0o200 == 0 {
		// Without the right to write, an owner may not set attributes of users.
		if err := n.chmod(n.mode | 0o200); err != nil {
			return failed("chmod", err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		value, err := w.owners.attribute(key, attrs[key])
		switch {
		case err != nil:
			return failed("set attribute "+strconv.Quote(key), err)
		case n.fd >= 0:
			err = unix.Fsetxattr(n.fd, key, []byte(value), 0)
		default:
			err = unix.Lsetxattr(path, key, []byte(value), 0)
		}
		if err == nil {
			continue
		}
		if !w.mayLose(err) {
			return failed("set attribute "+strconv.Quote(key), err)
		}
		w.report.Lost.Xattrs.add(n.path, os.NewSyscallError("setxattr "+key, err))
	}
	return nil
}

func (n *node) chmod(mode uint32) error {
	n.mode = mode
	if n.fd >= 0 {
		return unix.Fchmod(n.fd, mode)
	}
	return unix.Fchmodat(n.dir, n.base, mode, 0) // a device or FIFO, which is no link
}

// touch sets the times. Where the header has no time of access, it is that of the
// modification. The error is ERANGE if the system call cannot be told one of them: on 32
// bits, those after 2038 and before 1901.
func (n *node) touch(e *tarsplit.Entry) error {
	access := e.AccessTime
	if access.IsZero() {
		access = e.ModTime
	}
	var ts [2]unix.Timespec
	for i, t := range [2]time.Time{access, e.ModTime} {
		var err error
		if ts[i], err = unix.TimeToTimespec(t); err != nil {
			return err
		}
	}
	if n.fd < 0 {
		return unix.UtimesNanoAt(n.dir, n.base, ts[:], unix.AT_SYMLINK_NOFOLLOW)
	}
	// No function of package unix leaves out the name, which makes it futimens(3).
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(n.fd), 0, uintptr(unsafe.Pointer(&ts[0])), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
