package tardiff

import (
	"archive/tar"
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"
)

// FuzzCompare: equal archives are the same, or damaged; others never are the same,
// whichever comes first and whether or not they can be read again; and memory does not
// follow what headers announce. Blocks that look like headers get a checksum that is
// right, which a fuzzer would hardly find.
func FuzzCompare(f *testing.F) {
	for _, names := range [][]string{nil, {"a"}, {"a", "b", "c"}, {"c", "a", "b"}} {
		f.Add(tarOf(f, names...), tarOf(f, "a", "b", "c"), uint32(0))
	}
	long := newBuilder(f)
	long.format = tar.FormatGNU
	long.file(string(bytes.Repeat([]byte("n"), 200)), "abc")
	f.Add(long.end(2), newBuilder(f).raw('x', "h", pax("path", "n", "mtime", "1.5"), nil).files("n").end(20), uint32(520))
	f.Add(newBuilder(f).raw('g', "h", pax("comment", "n"), nil).end(3), []byte{}, uint32(512))
	f.Add(newBuilder(f).raw('S', "s", "abc", func(b []byte) {
		copy(b[257:], "ustar  \x00")
		copy(b[386:], "00000000100\x0000000000003\x00")
		copy(b[483:], "00000001000\x00")
	}).end(1), tarOf(f, "s"), uint32(400))
	f.Add(newBuilder(f).raw('0', "f", "", func(b []byte) { copy(b[sizeStart:], "77777777777\x00") }).Bytes(), tarOf(f, "s"), uint32(400))
	f.Fuzz(func(t *testing.T, a, b []byte, flip uint32) {
		if len(a) > 64<<10 || len(b) > 64<<10 {
			return
		}
		a, b = fixed(a), fixed(b)
		if list, _, err := all(t, bytes.NewReader(a), streamOnly(a), Options{}); len(list) > 0 {
			t.Errorf("equal archives: %q, %v", briefs(list), err)
		}
		compareBoth(t, a, b)
		if len(a) > 0 {
			flipped := slices.Clone(a)
			flipped[int(flip)%len(a)] ^= byte(flip>>24) | 1
			compareBoth(t, a, flipped)
		}
	})
}

func fixed(data []byte) []byte {
	data = slices.Clone(data)
	for at := 0; at+blockSize <= len(data); at += blockSize {
		if b := data[at:]; b[257] == 'u' {
			fix(b[:blockSize])
		}
	}
	return data
}

// compareBoth compares in both directions, and as streams.
func compareBoth(t *testing.T, a, b []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	list, s, err := all(t, bytes.NewReader(a), bytes.NewReader(b), Options{MaxEntries: 50})
	runtime.ReadMemStats(&after)
	// Two buffers of the streams, two of what is read again, and no more than some
	// copies of what there is; a difference takes as much as its values.
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4*bufferSize+64*(len(a)+len(b))+4096*(len(list)+50)); got > most {
		t.Errorf("%d bytes were allocated, %d expected", got, most)
	}
	if err == nil && s.Same() != bytes.Equal(a, b) {
		t.Fatalf("same: %v, equal: %v", s.Same(), bytes.Equal(a, b))
	}
	if slices.ContainsFunc(list, func(d Difference) bool { return d.Kind == KindStream }) {
		t.Error("a difference that was not found")
	}
	streams, _, err2 := all(t, streamOnly(a), streamOnly(b), Options{MaxEntries: 50})
	if (err == nil) != (err2 == nil) || len(list) != len(streams) {
		t.Errorf("%q, %v; as streams %q, %v", briefs(list), err, briefs(streams), err2)
	}
	mirrored, _, err3 := all(t, bytes.NewReader(b), bytes.NewReader(a), Options{MaxEntries: 50})
	if errors.Is(err, ErrLimit) || errors.Is(err3, ErrLimit) {
		return // depends on whose turn it was
	}
	if (err == nil) != (err3 == nil) {
		t.Errorf("%v; the other way round %v", err, err3)
	}
	if there, back := census(list), census(mirrored); err == nil && (there[KindMissing] != back[KindExtra] || there[KindExtra] != back[KindMissing] ||
		there[KindMoved] != back[KindMoved] || there[KindContent] != back[KindContent] || there[KindField] != back[KindField]) {
		t.Errorf("%q; the other way round %q", briefs(list), briefs(mirrored))
	}
}

func census(list []Difference) map[Kind]int {
	n := map[Kind]int{}
	for _, d := range list {
		n[d.Kind]++
	}
	return n
}
