package beneath

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Retry calls f until it is not interrupted by a signal, as package os does: some network
// file systems and FUSE are where the kernel does not start a call again by itself.
func Retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
