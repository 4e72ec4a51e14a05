package libpoddb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

// frame is one of a log: the page with that number, full of a byte, and the pages that the
// database has after the transaction that it ends.
type frame struct {
	number, pages uint32
	fill          byte
}

// logOf is a log with sound checksums and pages of 512 bytes.
func logOf(frames []frame) []byte {
	big := binary.BigEndian
	log := big.AppendUint32(nil, logMagic)
	log = big.AppendUint32(log, logVersion)
	log = big.AppendUint32(log, 512)
	log = append(log, "\x00\x00\x00\x00saltsalt"...)
	sum := logSum{order: binary.LittleEndian}
	checked := func() {
		log = big.AppendUint32(log, sum.s0)
		log = big.AppendUint32(log, sum.s1)
	}
	sum.add(log)
	checked()
	for _, f := range frames {
		head := big.AppendUint32(big.AppendUint32(nil, f.number), f.pages)
		page := bytes.Repeat([]byte{f.fill}, 512)
		sum.add(head)
		sum.add(page)
		log = append(append(log, head...), "saltsalt"...)
		checked()
		log = append(log, page...)
	}
	return log
}

// TestLogSizes: the last transaction says how large the database is, as with SQLite.
func TestLogSizes(t *testing.T) {
	t.Parallel()
	image := bytes.Repeat([]byte{'.'}, 3*512)
	for _, test := range []struct {
		name   string
		frames []frame
		want   string // a byte of each page
		err    error
	}{
		{"grows", []frame{{4, 0, 'a'}, {5, 5, 'b'}}, "...ab", nil},
		{"shrinks", []frame{{3, 3, 'a'}, {1, 2, 'b'}}, "b.", nil},
		{"between", []frame{{3, 3, 'a'}, {1, 1, 'b'}, {4, 4, 'c'}}, "b.ac", nil},
		{"unfinished", []frame{{2, 3, 'a'}, {3, 0, 'b'}}, ".a.", nil},
		{"between, by far", []frame{{1, 1 << 31, 'a'}, {2, 3, 'b'}}, "ab.", nil},
		{"too large", []frame{{1, 1 << 31, 'a'}}, "", ErrTooLarge},
		{"larger than what there is", []frame{{1, 1 << 12, 'a'}}, "", ErrCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := applyLog(t.Context(), bytes.Clone(image), logOf(test.frames))
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			var pages []byte
			for ; len(got) >= 512; got = got[512:] {
				pages = append(pages, got[0])
			}
			if string(pages) != test.want || len(got) > 0 {
				t.Errorf("pages %q and %d bytes, want %q", pages, len(got), test.want)
			}
		})
	}
}

// TestLogInTime: of a log whose transactions make the database huge and small in turn,
// only the last one costs.
func TestLogInTime(t *testing.T) {
	t.Parallel()
	var frames []frame
	for range 5000 {
		frames = append(frames, frame{1, maxFile / 512, 'a'}, frame{1, 1, 'b'})
	}
	s, root := storeWith(t, fillWith(poddb.DB{}))
	file := filepath.Join(root, "db.sql")
	db := read(t, file)
	db[writeFormAt], db[readFormAt] = 2, 2
	if err := errors.Join(os.WriteFile(file, db, 0o644), os.WriteFile(file+"-wal", logOf(frames), 0o644)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := Read(t.Context(), s, Options{}); !errors.Is(err, ErrCorrupt) { // its first page has "b" only
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := applyLog(ctx, db, logOf(frames)); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
