package userns

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// inherited are copies of the descriptors from 3 on that whoever started this program
// gave to it, as a shell does with "3< file", in their places: nil stands for one that
// is not open, or is this program's own. The caller closes them; the descriptors
// themselves are the program's, which may have them in files of its own.
func inherited() []*os.File {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var all []*os.File
	for _, entry := range names {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd < 3 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		twin, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			continue
		}
		for len(all) <= fd-3 {
			all = append(all, nil)
		}
		all[fd-3] = os.NewFile(uintptr(twin), entry.Name())
	}
	return all
}
