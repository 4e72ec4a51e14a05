package relay

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// memorySize is how many bytes the two sides of a lane share. Of those only what has
// been used takes memory: as much as the largest message so far.
const memorySize = 2 << 20

// newMemory makes memory to be shared. It cannot be made shorter: to read where the
// other side has cut it off would end this process. The caller closes fd, and unmaps
// mem.
func newMemory() (fd int, mem []byte, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err = unix.MemfdCreate("cstor", flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("cstor", flags)
	}
	if err != nil {
		return -1, nil, fmt.Errorf("memfd_create: %w", err)
	}
	if err = unix.Ftruncate(fd, memorySize); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		mem, err = mapMemory(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, nil, fmt.Errorf("shared memory: %w", err)
	}
	return fd, mem, nil
}

// openMemory maps what the other side has made, after a look at it. The caller unmaps
// it.
func openMemory(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || st.Size != memorySize || seals&unix.F_SEAL_SHRINK == 0 {
		return nil, errors.New("not the memory that was to be shared")
	}
	return mapMemory(fd)
}

func mapMemory(fd int) ([]byte, error) {
	return unix.Mmap(fd, 0, memorySize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}
