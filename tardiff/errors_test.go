package tardiff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var errReader = errors.New("of the reader")

// TestDamage: an archive that cannot be read is told with its place, behind what was
// found before.
func TestDamage(t *testing.T) {
	t.Parallel()
	whole := tarOf(t, "a", "b", "c")
	found := newBuilder(t).file("a", "a CONTENT").files("b", "c").end(2)
	lone := newBuilder(t).files("a").end(1)
	lone = append(lone, whole[:blockSize]...)
	for _, c := range []struct {
		name    string
		b       io.Reader
		archive string
		offset  int64
		is      error
	}{
		{"checksum", bytes.NewReader(edited(found, 1024, 'X')), "B", 1024, nil},
		{"a size that is no number", bytes.NewReader(slices.Concat(found[:1024], newBuilder(t).raw('0', "b", "", func(b []byte) { b[sizeStart] = '9' }).Bytes())), "B", 1024, nil},
		{"in the content", bytes.NewReader(found[:1024+512+3]), "B", 1539, io.ErrUnexpectedEOF},
		{"in a header", bytes.NewReader(found[:1024+511]), "B", 1535, io.ErrUnexpectedEOF},
		{"in an extension", bytes.NewReader(slices.Concat(found[:1024], newBuilder(t).raw('x', "h", pax("a", "b"), nil).Bytes()[:514])), "B", 1538, io.ErrUnexpectedEOF},
		{"a reader", io.MultiReader(bytes.NewReader(found[:1024]), iotest.ErrReader(errReader)), "B", 1024, errReader},
		{"a reader in the content", io.MultiReader(bytes.NewReader(found[:1540]), iotest.ErrReader(errReader)), "B", 1540, errReader},
		{"a reader that gives nothing", io.MultiReader(bytes.NewReader(found[:1540]), idle{}), "B", 1540, io.ErrNoProgress},
		{"data behind a block of zeros", bytes.NewReader(slices.Concat(found[:1024], make([]byte, 512), found[1024:])), "B", 1536, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list, s, err := all(t, bytes.NewReader(whole), c.b, Options{Digests: true})
			var bad *ArchiveError
			if !errors.As(err, &bad) || bad.Archive != c.archive || bad.Offset != c.offset || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff([]string{`content "a" +2 0@514:"content" 0@514:"CONTENT"`}, briefs(list)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if s.A.Digest != "" || s.B.Digest != "" || s.Same() {
				t.Errorf("summary %+v", s)
			}
		})
	}
	t.Run("both", func(t *testing.T) {
		t.Parallel()
		_, _, err := all(t, bytes.NewReader([]byte("no tar")), bytes.NewReader(make([]byte, 100)), Options{})
		both, ok := errors.AsType[interface {
			error
			Unwrap() []error
		}](err)
		if !ok || len(both.Unwrap()) != 2 {
			t.Errorf("error %v", err)
		}
	})
	t.Run("equal bytes that are no tar", func(t *testing.T) {
		t.Parallel()
		if _, _, err := all(t, bytes.NewReader(lone), bytes.NewReader(lone), Options{}); err == nil {
			t.Error("no error")
		}
	})
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// TestLimits: what takes memory has limits, and their errors say so.
func TestLimits(t *testing.T) {
	t.Parallel()
	many := func(prefix string, n int) []byte {
		b := newBuilder(t)
		for i := range n {
			b.file(fmt.Sprintf("%s%d", prefix, i), "")
		}
		return b.end(2)
	}
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		a, b := many("a", 60), many("b", 60)
		if _, _, err := all(t, bytes.NewReader(a), bytes.NewReader(b), Options{MaxEntries: 100}); !errors.Is(err, ErrLimit) {
			t.Errorf("error %v", err)
		}
		if list, _, err := all(t, bytes.NewReader(a), bytes.NewReader(b), Options{MaxEntries: 119}); err != nil || len(list) != 120 {
			t.Errorf("%d differences, error %v", len(list), err)
		}
	})
	t.Run("in order", func(t *testing.T) {
		t.Parallel()
		a := many("a", 1000)
		b := slices.Concat(many("b", 1)[:512], a)
		if list, _, err := all(t, bytes.NewReader(a), bytes.NewReader(b), Options{MaxEntries: 5}); err != nil || len(list) != 1 {
			t.Errorf("%q, error %v", briefs(list), err)
		}
	})
	t.Run("long headers", func(t *testing.T) {
		t.Parallel()
		long := newBuilder(t).raw('x', "h", pax("k", string(bytes.Repeat([]byte("v"), 100_000))), nil).files("a").end(2)
		if _, _, err := all(t, bytes.NewReader(long), bytes.NewReader(many("b", 1)), Options{MaxEntries: 50}); !errors.Is(err, ErrLimit) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an extension", func(t *testing.T) {
		t.Parallel()
		long := newBuilder(t).raw('x', "h", string(make([]byte, 1<<20+1)), nil).files("a").end(2)
		if _, _, err := all(t, bytes.NewReader(long), bytes.NewReader(long), Options{}); !errors.Is(err, ErrLimit) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("extensions", func(t *testing.T) {
		t.Parallel()
		one := newBuilder(t).raw('x', "h", pax("k", string(make([]byte, 500_000))), nil).Bytes()
		endless := bytes.Repeat(one, 20)
		if _, _, err := all(t, bytes.NewReader(endless), bytes.NewReader(endless), Options{}); !errors.Is(err, ErrLimit) {
			t.Errorf("error %v", err)
		}
	})
}

// TestCancel: the context's cause ends the iteration.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	a, b := newBuilder(t), newBuilder(t)
	for i := range 1000 {
		a.file(fmt.Sprint(i), "a")
		b.file(fmt.Sprint(i), "b")
	}
	n := 0
	var err error
	for _, err = range Compare(ctx, iotest.OneByteReader(a), b, Options{}) {
		n++
		cancel(errReader)
	}
	if !errors.Is(err, errReader) || n != 2 {
		t.Errorf("%d pairs, error %v", n, err)
	}
}

// TestBreak: who has seen enough reads no further.
func TestBreak(t *testing.T) {
	t.Parallel()
	whole := tarOf(t, "a", "b", "c", "d")
	for _, other := range [][]byte{tarOf(t), tarOf(t, "e", "f", "g", "h"), tarOf(t, "d", "c", "b", "a"), newBuilder(t).files("a", "b", "c", "d").end(3)} {
		var s Summary
		n := 0
		for _, err := range Compare(t.Context(), bytes.NewReader(whole), bytes.NewReader(other), Options{Summary: &s}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			break
		}
		if n != 1 || s.Complete || s.Differences != 1 {
			t.Errorf("%d, %+v", n, s)
		}
	}
}

// TestLedger: what was accepted for one archive alone cannot be called equal.
func TestLedger(t *testing.T) {
	t.Parallel()
	one, two := []byte("one"), []byte("two")
	for _, c := range []struct {
		name string
		do   func(l *ledger)
		a, b string
		want bool
	}{
		{"nothing", func(*ledger) {}, "", "", true},
		{"both", func(l *ledger) { l.both(one); l.both(two) }, "onetwo", "onetwo", true},
		{"one each", func(l *ledger) { l.one(0, one); l.one(1, one) }, "one", "one", false},
		{"later", func(l *ledger) { l.both(one); l.one(1, two); l.both(one); l.one(0, two) }, "oneonetwo", "onetwoone", false},
		{"less than was read", func(l *ledger) { l.both(one) }, "one1", "one1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(true)
			c.do(l)
			if got := l.equal(int64(len(c.a)), int64(len(c.b))); got != c.want {
				t.Errorf("equal: %v", got)
			}
			if c.name != "less than was read" && (l.digest(0) != sum([]byte(c.a)) || l.digest(1) != sum([]byte(c.b))) {
				t.Errorf("digests %s, %s", l.digest(0), l.digest(1))
			}
		})
	}
}
