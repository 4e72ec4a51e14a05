package oracle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/vbatts/tar-split/tar/storage"

	"github.com/cstor-go/cstor/tarsplit"
)

const maxSegment = 4096

// FuzzRecipe: see the package comment. The text is the recipe before gzip.
func FuzzRecipe(f *testing.F) {
	for _, test := range recipes {
		f.Add([]byte(test.text))
	}
	for _, tar := range seeds(f) {
		if recipe, _, err := takeApart(tar); err == nil {
			f.Add(gunzip(f, recipe))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) { judge(t, text) })
}

// judge does for one recipe what FuzzRecipe says, and returns why tar-split does
// not do what tarsplit does; "" if it does.
func judge(t *testing.T, text []byte) (reason string) {
	t.Helper()
	if folds(text) || deep(text) {
		return "JSON that no writer makes"
	}
	recipe := zip(t, text)
	want := naive(text, true)
	for name, way := range ways {
		want := want
		if name == "Next" { // shows no content to the reader
			want = naive(text, false)
		}
		for _, opener := range openers(name, byName{}) {
			got, err := allocating(t, len(text), len(want.tar), func() ([]byte, error) {
				r, err := tarsplit.NewReader(bytes.NewReader(recipe), opener, tarsplit.Options{CheckCRC: true, MaxSegment: maxSegment})
				if err != nil {
					return nil, err
				}
				defer r.Close()
				return way(r, byName{})
			})
			if line, class := classify(err); !errors.Is(class, want.class) || (line >= 0 && line != want.line) {
				t.Fatalf("%s: error %v, naive reader: line %d, %v %q", name, err, want.line, want.class, want.why)
			}
			// Who reads one by one has the bytes in front of an error too.
			if !bytes.HasPrefix(want.tar, got) || (want.class == nil || name == "Next") && len(got) != len(want.tar) {
				t.Fatalf("%s: %d bytes of %d, equal to byte %d, error %v", name, len(got), len(want.tar), equal(got, want.tar), err)
			}
		}
	}
	if want.class == nil {
		checkSize(t, recipe, int64(len(want.tar)))
	}
	at, err := allocating(t, len(text), 0, func() (*tarsplit.ReaderAt, error) {
		return tarsplit.NewReaderAt(bytes.NewReader(recipe), files{byName{}}, tarsplit.Options{MaxSegment: maxSegment})
	})
	switch whole := naive(text, false); {
	case whole.class == nil && err != nil:
		t.Fatal(err)
	case whole.class == nil:
		checkReaderAt(t, at, whole.tar)
	case (whole.class == errFormat || whole.class == tarsplit.ErrLimit) && err == nil: //nolint:errorlint // the values themselves
		t.Fatalf("ReaderAt accepts what it should not: line %d, %q", whole.line, whole.why)
	}
	if err == nil {
		at.Close()
	}

	return compare(t, recipe, want)
}

// compare returns why tar-split does not read a recipe as the naive reader does.
func compare(t *testing.T, recipe []byte, want reading) (reason string) {
	t.Helper()
	theirs, err := assemble(recipe, byName{})
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil && want.class == nil:
		if want.links > 0 {
			return "an entry without content in the tar"
		}
		if !bytes.Equal(theirs, want.tar) {
			if want.holey > 0 {
				return "a sparse file"
			}
			t.Fatalf("both accept: %d and %d bytes, equal to byte %d", len(theirs), len(want.tar), equal(theirs, want.tar))
		}
		return ""
	case err != nil && want.class != nil:
		return ""
	case want.class != nil && want.why != "":
		return want.why
	case want.class != nil:
	case errors.Is(err, storage.ErrDuplicatePath):
		return "two entries of one name"
	case errors.As(err, &kind) && kind.Field == "position":
		return "a position that is none"
	case want.links > 0:
		return "an entry without content in the tar"
	case want.bare > 0:
		return "a file without CRC"
	case want.holey > 0:
		return "a sparse file"
	}
	t.Fatalf("tar-split: %v; naive reader: line %d, %v %q", err, want.line, want.class, want.why)
	return ""
}

// checkSize: the size of the tar, if it is known, is believed and checked.
func checkSize(t *testing.T, recipe []byte, size int64) {
	t.Helper()
	for _, off := range []int64{-1, 0, 1} {
		if size+off < 0 {
			continue
		}
		r, err := tarsplit.NewReader(bytes.NewReader(recipe), files{byName{}}, tarsplit.Options{Size: size + off, SizeKnown: true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := byWriteTo(r, byName{})
		r.Close()
		if errors.Is(err, tarsplit.ErrSize) != (off != 0) || int64(len(got)) > size+off {
			t.Fatalf("a tar of %d bytes that should have %d: %d bytes, %v", size, size+off, len(got), err)
		}
	}
}

// allocating runs read, which may allocate so much for a recipe of n bytes: buffers
// for as many cores as there are, a window of gzip, and per line, of 30 bytes and
// more, a descriptor and a name; and a buffer that grows for a tar.
func allocating[T any](t *testing.T, n, tar int, read func() (T, error)) (T, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	result, err := read()
	runtime.ReadMemStats(&after)
	limit := uint64(4<<20 + runtime.GOMAXPROCS(0)<<20 + 64*n + 4*tar)
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Fatalf("%d bytes were allocated for a recipe of %d bytes", got, n)
	}
	return result, err
}

// classify returns the line that err is about, or -1, and the sentinel for it.
func classify(err error) (line int64, class error) {
	var format *tarsplit.FormatError
	line = -1
	if errors.As(err, &format) {
		line = format.Line
	}
	for _, class := range []error{tarsplit.ErrLimit, tarsplit.ErrSize, tarsplit.ErrMissing, tarsplit.ErrCRC, tarsplit.ErrLost} {
		if errors.Is(err, class) {
			return line, class
		}
	}
	if format != nil {
		return line, errFormat
	}
	return line, err
}

var errFormat = errors.New("a FormatError")

// folds reports whether a key is one of the format's in other letters, which
// encoding/json takes for it and tarsplit does not; no writer has such keys.
func folds(text []byte) bool {
	for line := range bytes.Lines(text) {
		var object map[string]json.RawMessage
		_ = json.Unmarshal(line, &object) // of what is none, nobody asks
		for key := range object {
			if slices.ContainsFunc(keys, func(k string) bool { return k != key && strings.EqualFold(k, key) }) {
				return true
			}
		}
	}
	return false
}

var keys = []string{"type", "name", "name_raw", "size", "payload", "position"}

// deep reports whether values may nest deeper than tarsplit follows.
func deep(text []byte) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			if depth++; depth > 900 {
				return true
			}
		case '\n':
			depth = 0
		}
	}
	return false
}

func zip(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	_, err := gz.Write(text)
	if err = errors.Join(err, gz.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func gunzip(tb testing.TB, p []byte) []byte {
	tb.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(p))
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(gz); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// byName is a layer that has a file of any name up to 100 bytes, with a content
// that the last byte of the name chooses.
type byName struct{}

var contents = [4][]byte{nil, []byte("x"), []byte("content"), bytes.Repeat([]byte("5 bytes"), 800)}

func (byName) content(name string) ([]byte, error) {
	switch {
	case len(name) > 100:
		return nil, fmt.Errorf("%.20q…: %w", name, errGone)
	case name == "":
		return contents[1], nil
	}
	return contents[name[len(name)-1]%4], nil
}
