package tarhead

import (
	"archive/tar"
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestAppend: what is written is read back, by this package and by archive/tar.
func TestAppend(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]Header{
		"plain":               {Name: "a/b", Type: '0', Mode: 0o644, Size: 5, ModTime: time.Unix(1234567890, 0)},
		"nothing":             {Type: '0'},
		"name of 100 bytes":   {Name: strings.Repeat("n", 100), Type: '0'},
		"name of 101 bytes":   {Name: strings.Repeat("n", 101), Type: '0'},
		"long names":          {Name: strings.Repeat("n/", 2000), Linkname: strings.Repeat("l", 4000), Type: '2'},
		"not ASCII":           {Name: "größe", Linkname: "日本", Type: '1', Uname: "ü", Gname: "é"},
		"not UTF-8":           {Name: "\xff\xfe", Linkname: "\xe9", Type: '2'},
		"large file":          {Name: "f", Type: '0', Size: 8 << 30},
		"just not large":      {Name: "f", Type: '0', Size: 8<<30 - 1},
		"largest file":        {Name: "f", Type: '0', Size: 1 << 62},
		"large owner":         {Name: "f", Type: '0', UID: 1 << 21, GID: math.MaxInt32},
		"just not large ids":  {Name: "f", Type: '0', UID: 1<<21 - 1, GID: 1<<21 - 1},
		"nanoseconds":         {Name: "f", Type: '0', ModTime: time.Unix(1, 1)},
		"decimals":            {Name: "f", Type: '0', ModTime: time.Unix(1, 250000000)},
		"before the epoch":    {Name: "f", Type: '0', ModTime: time.Unix(-2, 750000000)},
		"whole and before":    {Name: "f", Type: '0', ModTime: time.Unix(-5, 0)},
		"far future":          {Name: "f", Type: '0', ModTime: time.Unix(1<<33, 0)},
		"devices":             {Name: "c", Type: '3', Devmajor: 1<<21 - 1, Devminor: 3},
		"attributes":          {Name: "f", Type: '0', Xattrs: map[string]string{"user.b": "\x00\n=", "user.a": ""}},
		"other records":       {Name: "f", Type: '0', PAX: map[string]string{"comment": "x"}},
		"long user and group": {Name: "f", Type: '0', Uname: strings.Repeat("u", 33), Gname: strings.Repeat("g", 32)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := Append(nil, &h)
			if err != nil || len(b)%BlockSize != 0 {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			var r Reader
			rest, got, err := r.Next(b)
			if err != nil || got == nil || len(rest) > 0 {
				t.Fatalf("%+v, %d bytes left, %v", got, len(rest), err)
			}
			ignore := cmpopts.IgnoreFields(Header{}, "Offset", "Content", "AccessTime", "ChangeTime", "ModTime", "Type", "Size")
			if diff := cmp.Diff(&h, got, ignore, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-written +read:\n%s", diff)
			}
			theirs, err := tar.NewReader(bytes.NewReader(b)).Next()
			if err != nil {
				t.Fatal(err)
			}
			when := h.ModTime
			if when.IsZero() {
				when = time.Unix(0, 0)
			}
			if !got.ModTime.Equal(when) || !theirs.ModTime.Equal(when) || got.Type != h.Type || theirs.Typeflag != h.Type || h.Type == '0' && (got.Size != h.Size || theirs.Size != h.Size) {
				t.Errorf("%v %v %q %q %d %d", got.ModTime, theirs.ModTime, got.Type, theirs.Typeflag, got.Size, theirs.Size)
			}
			if theirs.Name != h.Name || theirs.Linkname != h.Linkname || int64(theirs.Uid) != h.UID || theirs.Uname != h.Uname || theirs.Gname != h.Gname || theirs.Devmajor != h.Devmajor {
				t.Errorf("archive/tar: %+v", theirs)
			}
		})
	}
}

func TestAppendErrors(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]Header{
		"NUL in the name":       {Name: "a\x00b"},
		"NUL in the link":       {Linkname: "\x00"},
		"negative size":         {Size: -1},
		"negative owner":        {UID: -1},
		"negative mode":         {Mode: -1},
		"large mode":            {Mode: 1 << 21},
		"large device":          {Devmajor: 1 << 21},
		"attribute with a sign": {Xattrs: map[string]string{"user.a=b": ""}},
		"attribute with NUL":    {Xattrs: map[string]string{"user.\x00": ""}},
		"record without a key":  {PAX: map[string]string{"": ""}},
	} {
		if b, err := Append([]byte("kept"), &h); err == nil || string(b) != "kept" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	large := Header{Xattrs: map[string]string{"user.a": strings.Repeat("x", 1<<19), "user.b": strings.Repeat("x", 1<<19)}}
	if _, err := Append(nil, &large); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
}

// TestAppendRecord: a record's length counts the digits of itself.
func TestAppendRecord(t *testing.T) {
	t.Parallel()
	for n := range 1200 {
		b := appendRecord(nil, "k", strings.Repeat("v", n))
		var size int
		for _, c := range b[:bytes.IndexByte(b, ' ')] {
			size = size*10 + int(c-'0')
		}
		if size != len(b) {
			t.Fatalf("%d bytes say that they are %d", len(b), size)
		}
	}
}
