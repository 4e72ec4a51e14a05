package tarsplit

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// inMemory has files by name, and none to open.
type inMemory map[string][]byte

func (inMemory) OpenFile(string) (*os.File, error) { return nil, errors.New("only small files") }

func (m inMemory) ReadFile(name string, p []byte) (int64, error) {
	copy(p, m[name])
	return int64(len(m[name])), nil
}

// unmake are the entries of a tar, as archive/tar reads it, and what they contain.
func unmake(data []byte) (entries []*Entry, files inMemory, err error) {
	files = inMemory{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, files, nil
		}
		if err != nil {
			return nil, nil, err
		}
		e := &Entry{
			Name: h.Name, Linkname: h.Linkname, Type: h.Typeflag, Mode: h.Mode, UID: int64(h.Uid), GID: int64(h.Gid), Uname: h.Uname, Gname: h.Gname,
			ModTime: h.ModTime, Devmajor: h.Devmajor, Devminor: h.Devminor, PAX: h.PAXRecords,
		}
		for key, value := range h.PAXRecords {
			if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
				if e.Xattrs == nil {
					e.Xattrs = map[string]string{}
				}
				e.Xattrs[name] = value
			}
		}
		if h.Typeflag == tar.TypeReg && h.Size > 0 {
			text, err := io.ReadAll(io.LimitReader(r, smallPiece+1))
			if err != nil || len(text) > smallPiece {
				return nil, nil, errors.Join(err, errors.New("too long"))
			}
			e.Size, e.File, e.Digest = h.Size, string(rune(len(files))), digest.FromBytes(text)
			files[e.File] = text
		}
		entries = append(entries, e)
	}
}

// FuzzMake: archive/tar reads of a made tar what it was made from, and that gives the
// same tar. The entries are the one that is described, and those of data, if it is a
// tar.
func FuzzMake(f *testing.F) {
	data, _, _ := sample(f)
	f.Add("f", "", "root", byte('0'), int64(0o644), int64(0), int64(1e9), int64(5), "user.a", "\x00=\n", data)
	f.Add("latin1-\xe9", "target", "", byte('2'), int64(0o777), int64(1<<31), int64(-2), int64(1), "", "", data[:1536])
	f.Add("null", "", "grüße", byte('3'), int64(0), int64(-1), int64(math.MinInt64), int64(0), "a=b", "", []byte{})
	f.Add("d/", "", "a\x00b", byte('5'), int64(1<<21), int64(7), int64(1<<33), int64(999_999_999), "GNU.sparse.map", "", []byte{})
	attributes := openMade(f, given([]*Entry{{Name: "f", Type: '0', Xattrs: map[string]string{"user.a": "", "user.b": "\x00="}}}, nil), nil, Options{})
	text, err := io.ReadAll(attributes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("f", "", "", byte('0'), int64(0), int64(0), int64(0), int64(0), "SCHILY.xattr.user.c", "c", text)
	f.Fuzz(func(t *testing.T, name, link, user string, kind byte, mode, owner, sec, nsec int64, key, value string, data []byte) {
		entries, files, err := unmake(data)
		if err != nil {
			entries, files = nil, inMemory{}
		}
		e := &Entry{Name: name, Linkname: link, Type: kind, Mode: mode, UID: owner, GID: owner, Uname: user, Gname: user, ModTime: time.Unix(sec, nsec), Devmajor: mode, Devminor: owner}
		if key != "" {
			e.Xattrs = map[string]string{key: value}
			e.PAX = map[string]string{key: value}
		}
		if kind == '0' && value != "" {
			e.Size, e.File, e.Digest = int64(len(value)), "own", digest.FromString(value)
			files[e.File] = []byte(value)
		}
		entries = append(entries, e)
		made := func(entries []*Entry, files inMemory) ([]byte, error) {
			var b bytes.Buffer
			_, err := openMade(t, given(entries, nil), files, Options{CheckCRC: true}).WriteTo(&b)
			return b.Bytes(), err
		}
		first, err := made(entries, files)
		if entry := (*EntryError)(nil); err != nil && !errors.As(err, &entry) {
			t.Fatalf("%d bytes, %v", len(first), err)
		}
		if err != nil {
			return
		}
		again, texts, err := unmake(first)
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d entries of %d, %v", len(again), len(entries), err)
		}
		r := tar.NewReader(bytes.NewReader(first))
		for i, e := range entries {
			h, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if sameMade(t, e, h); again[i].Size > 0 && !bytes.Equal(files[e.File], texts[again[i].File]) {
				t.Fatalf("%q: another content", e.Name)
			}
		}
		if second, err := made(again, texts); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("again: %d bytes, not %d, %v", len(second), len(first), err)
		}
	})
}
