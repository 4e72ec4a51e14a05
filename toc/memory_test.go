package toc_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/cstor-go/cstor/tarsplit"
	"github.com/cstor-go/cstor/toc"
)

// TestMemory: a table of a million entries takes no more memory than one of few, nor
// does one with digests, of which there are fewer here because it takes longer.
func TestMemory(t *testing.T) { // not parallel: it measures the heap
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, n := range map[string]int{"plain": 1_000_000, "digests": 100_000} {
		t.Run(name, func(t *testing.T) {
			before, most := inUse(), uint64(0)
			files := func(yield func(toc.File, error) bool) {
				for i := range n {
					if i%(n/10) == n/20 {
						most = max(most, inUse())
					}
					entry, err := toc.From(&tarsplit.Entry{
						Name: fmt.Sprintf("usr/share/a/directory/%d/file%d", i/100, i), Type: '0', Mode: 0o644, Uname: "root", ModTime: time.Unix(int64(i), 0),
					})
					if !yield(toc.File{Entry: entry}, err) {
						return
					}
				}
			}
			entries := func(yield func(*toc.Entry, error) bool) {
				for f, err := range files {
					if !yield(f.Entry, err) {
						return
					}
				}
			}
			if name == "digests" {
				entries = toc.Digests(t.Context(), files, toc.DigestOptions{})
			}
			if err := toc.Encode(null, entries, toc.EncodeOptions{}); err != nil {
				t.Fatal(err)
			}
			if most == 0 || most > before+4<<20 {
				t.Errorf("%d bytes, %d before", most, before)
			}
			t.Logf("%d KiB more", (int64(most)-int64(before))>>10)
		})
	}
}
