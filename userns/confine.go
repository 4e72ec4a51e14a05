package userns

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept are the capabilities that reading takes: to open what is closed to others, and to
// leave access times of files alone that are another user's. CAP_FOWNER, which that takes,
// also lets their modes and times be set; without it, reading would set them.
var kept = []uintptr{unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER}

// confine takes from this thread, and from what it executes next, all that a helper
// process does not need: descriptors that it has inherited, capabilities but two, the
// way to get any by executing something, memory images of crashes, and what
// [forbidWriting] takes. The thread stays locked.
//
// What an old kernel does not know is left out.
func confine() error {
	runtime.LockOSThread()
	// From Linux 5.11 on; filters of system calls give EPERM for what they do not know.
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return forbidWriting()
}

// dropCapabilities takes capabilities out of the bounding set: root has no others after
// it has executed something (capabilities(7)). Who may not do that has none.
func dropCapabilities() error {
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) { // the last one was before
			return nil
		}
		if slices.Contains(kept, c) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
}

// writing are the rights of Landlock (landlock(7)) by which file systems are changed, as
// its first version knows them; later ones know two more.
const writing = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
	unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
	unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM

// forbidWriting makes a set of rules that allows none of the rights anywhere: no file is
// made, removed, linked, renamed, cut, or opened for writing. Where the kernel has no
// Landlock, nothing is forbidden; where it has a version before the third, truncate(2) is
// not.
//
// Landlock has no rights for what is about a file beside its content: of files of the
// user's own, and by CAP_FOWNER of all ids of the namespace, permissions, ACLs, times and
// flags can be set all the same, and of those that he may write to, extended attributes.
// Owners need CAP_CHOWN: he can give his own files to his own groups alone.
func forbidWriting() error {
	for _, rights := range []uint64{writing | unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE, writing | unix.LANDLOCK_ACCESS_FS_REFER, writing} {
		fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rights)), unsafe.Sizeof(rights), 0)
		switch errno {
		case 0:
			defer unix.Close(int(fd))
			if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
				return errno
			}
			return nil
		case unix.EINVAL: // an older version
			continue
		}
		return nil // there is no Landlock, or a filter forbids it
	}
	return nil
}
