package userns

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/idmap"
)

// namespace is a user namespace that is held by a descriptor: it exists as long as
// that is open, whatever becomes of the processes in it.
type namespace struct {
	*os.File
	maps idmap.Maps // as seen from here
}

// namespaceOf opens the user namespace of a process. The caller closes it.
func namespaceOf(pid int) (*namespace, error) {
	// A descriptor of its directory stays with the process, also when its number is
	// given to another one.
	path := fmt.Sprintf("/proc/%d", pid)
	dir, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(dir)
	f, err := openAt(dir, path, "ns/user")
	if err != nil {
		return nil, err
	}
	ns := &namespace{File: f}
	for _, file := range []struct {
		name string
		to   *idmap.Map
	}{{"uid_map", &ns.maps.UIDs}, {"gid_map", &ns.maps.GIDs}} {
		if *file.to, err = readMap(dir, path, file.name); err != nil {
			_ = ns.Close() // was only opened
			return nil, err
		}
	}
	return ns, nil
}

// readMap reads one of the maps of the process whose directory is dir.
func readMap(dir int, path, name string) (idmap.Map, error) {
	f, err := openAt(dir, path, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const longest = 33 // three numbers in columns of ten, as the kernel prints them
	text, err := io.ReadAll(io.LimitReader(f, idmap.MaxRanges*longest))
	if err != nil {
		return nil, err
	}
	return idmap.Parse(text)
}

func openAt(dir int, path, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	path += "/" + name
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

var (
	errForeign = errors.New("it is not a namespace of this user, made in this one")
	errNotRoot = errors.New("this user is not its root")
)

// usable returns why a process of the calling user cannot become root in the
// namespace with ids beside his own, if so (ioctl_nsfs(2)).
func (ns *namespace) usable() error {
	fd := int(ns.Fd())
	owner, err := unix.IoctlGetUint32(fd, unix.NS_GET_OWNER_UID)
	if err != nil {
		return os.NewSyscallError("ioctl NS_GET_OWNER_UID", err)
	}
	around, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
	if err != nil {
		return os.NewSyscallError("ioctl NS_GET_PARENT", err) // EPERM: one around ours
	}
	defer unix.Close(around)
	var parent, ours unix.Stat_t
	if err := errors.Join(unix.Fstat(around, &parent), unix.Stat("/proc/self/ns/user", &ours)); err != nil {
		return err
	}
	switch {
	case owner != uint32(os.Geteuid()) || parent.Dev != ours.Dev || parent.Ino != ours.Ino:
		return errForeign
	case !rootIs(ns.maps.UIDs, uint32(os.Geteuid())) || !rootIs(ns.maps.GIDs, uint32(os.Getegid())):
		return errNotRoot
	}
	return nil
}

// rootIs reports whether an id is root inside, and not alone there.
func rootIs(m idmap.Map, id uint32) bool {
	ids, root := uint64(0), false
	for _, r := range m {
		ids += uint64(r.Size)
		root = root || r.Inside == 0 && r.Outside == id
	}
	return root && ids > 1
}
