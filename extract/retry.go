package extract

import (
	"errors"

	"golang.org/x/sys/unix"
)

// retry calls f until it is not interrupted by a signal, as package os does: some file
// systems are where the kernel does not start a call again by itself.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
