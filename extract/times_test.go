package extract_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/extract"
)

// TestLateTimes: a time after 2038 is set, or, where the system call has 32 bits for
// it, an error, or counted.
func TestLateTimes(t *testing.T) {
	t.Parallel()
	late := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	layers := tableOf(t, `{"name":"a","type":"symlink","linkName":"x","modtime":"`+late.Format(time.RFC3339)+`"}`)
	_, short := unix.TimeToTimespec(late)
	for _, lossy := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "out")
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // else an ordinary user cannot remove it
		report, err := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true, Lossy: lossy})
		if short != nil && !lossy {
			if entry := (*extract.EntryError)(nil); !errors.Is(err, unix.ERANGE) || !errors.As(err, &entry) || entry.Name != "a" {
				t.Errorf("error %v", err)
			}
			continue
		}
		check(t, err)
		if lost := report.Lost; lost.Any() != (short != nil) || lost.Any() && (lost.Times.Count != 1 || lost.Times.First != "a") {
			t.Errorf("lost %+v", lost)
		}
		if info, err := os.Lstat(filepath.Join(dir, "a")); short == nil && (err != nil || !info.ModTime().Equal(late)) {
			t.Errorf("%v, %v", info.ModTime(), err)
		}
	}
}
