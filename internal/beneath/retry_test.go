package beneath

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRetry: a call that a signal interrupts is made again, and no other.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]error{"success": nil, "failure": unix.ENOSPC} {
		answers := []error{unix.EINTR, os.NewSyscallError("open", unix.EINTR), last, errors.New("once too often")}
		calls := 0
		err := Retry(func() error {
			calls++
			return answers[calls-1]
		})
		if calls != 3 || !errors.Is(err, last) {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
}
