package libpoddb

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnchanged: what changes each time is given up when it is time, and not after.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const wait = 70 * time.Millisecond
		begin, calls := time.Now(), 0
		err := unchanged(t.Context(), begin.Add(wait), func() error { calls++; return errChanged })
		if took := time.Since(begin); !errors.Is(err, ErrBusy) || took != wait || calls < 10 {
			t.Errorf("%v after %v and %d calls", err, took, calls)
		}
	})
}

// TestBudget: a journal that makes the database large does not make room for text.
func TestBudget(t *testing.T) {
	t.Parallel()
	before, image, journal := brokenOff(t, 4096, "DELETE")
	s, root := storeWith(t, func(file string) error {
		binary.BigEndian.PutUint32(journal[16:], 64<<20/4096)
		return errors.Join(os.WriteFile(file, image, 0o644), os.WriteFile(file+"-journal", journal, 0o644))
	})
	dirs, err := s.StateDirs()
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%v in %s", err, root)
	}
	got, size, err := snapshot(t.Context(), dirs[0], "db.sql", time.Second)
	if err != nil || len(got) != 64<<20 || size != len(image)+len(journal) {
		t.Errorf("%d bytes of %d, %v", len(got), size, err)
	}
	if _, err := query(t.Context(), before, 1000); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "text") {
		t.Errorf("got %v", err)
	}
}
