package tardiff

import (
	"archive/tar"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
)

// pattern gives n bytes.
type pattern struct{ n int64 }

var patternBytes = func() []byte {
	p := make([]byte, 64<<10)
	for i := range p {
		p[i] = byte(i * 7 >> 3)
	}
	return p
}()

func (p *pattern) Read(b []byte) (int, error) {
	if p.n == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), p.n)], patternBytes)
	p.n -= int64(n)
	return n, nil
}

// highWater notes how much of the heap was in use at most, now and then.
type highWater struct {
	io.Reader
	reads int
	most  uint64
}

func (h *highWater) Read(b []byte) (int, error) {
	if h.reads++; h.reads%200 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapAlloc)
	}
	return h.Reader.Read(b)
}

// generated is a tar of files of one size, without content of its own in memory.
func generated(t testing.TB, size int64, names ...string) io.Reader {
	t.Helper()
	var parts []io.Reader
	for _, name := range names {
		b := newBuilder(t)
		h := tar.Header{Name: name, Mode: 0o644, Size: size, Format: tar.FormatUSTAR, Typeflag: tar.TypeReg}
		if err := tar.NewWriter(b).WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, b, &pattern{size})
	}
	return io.MultiReader(append(parts, newBuilder(t).withEnd())...)
}

func (b *builder) withEnd() io.Reader {
	b.end(2)
	return b
}

// TestMemoryContent: how long contents are makes no difference to memory, in lockstep,
// for entries that moved, and for those that are missing.
func TestMemoryContent(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 1.5 GiB")
	}
	const size = 128 << 20
	for _, c := range []struct {
		name string
		a, b []string
		want []Kind
	}{
		{"equal", []string{"a", "b"}, []string{"a", "b"}, nil},
		{"moved", []string{"a", "b", "c"}, []string{"c", "a", "b"}, []Kind{KindMoved}},
		{"missing", []string{"a", "b", "c"}, []string{"b"}, []Kind{KindMissing, KindMissing}},
	} {
		t.Run(c.name, func(t *testing.T) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			mark := &highWater{Reader: generated(t, size, c.a...)}
			list, s, err := all(t, mark, generated(t, size, c.b...), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var kinds []Kind
			for _, d := range list {
				kinds = append(kinds, d.Kind)
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, c.want) {
				t.Errorf("%q", briefs(list))
			}
			if grown := int64(mark.most) - int64(m.HeapAlloc); mark.most == 0 || grown > 4<<20 {
				t.Errorf("%d bytes of heap for %d bytes of archives", grown, s.A.Size+s.B.Size)
			}
		})
	}
}

// TestMemoryEntries: archives in the same order need no memory for their entries, also
// behind one that is missing.
func TestMemoryEntries(t *testing.T) {
	const n = 20_000
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("directory/%d", i)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	mark := &highWater{Reader: &entries{t: t, names: names[1:]}}
	list, s, err := all(t, &entries{t: t, names: names}, mark, Options{})
	if err != nil || len(list) != 1 || list[0].Kind != KindMissing || s.B.Entries != n-1 {
		t.Fatalf("%q, %v", briefs(list), err)
	}
	if grown := int64(mark.most) - int64(m.HeapAlloc); mark.most == 0 || grown > 2<<20 {
		t.Errorf("%d bytes of heap", grown)
	}
}

// entries are a tar of empty files, each made when it is read.
type entries struct {
	t     testing.TB
	names []string
	rest  []byte
}

func (e *entries) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		if len(e.names) == 0 {
			return 0, io.EOF
		}
		e.rest = newBuilder(e.t).file(e.names[0], "").Bytes()
		e.names = e.names[1:]
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}
