package tarsplit

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
)

// zip compresses lines as a recipe file.
func zip(tb testing.TB, lines ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	for _, l := range lines {
		if _, err := io.WriteString(gz, l+"\n"); err != nil {
			tb.Fatal(err)
		}
	}
	if err := gz.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func segment(text string) string {
	return fmt.Sprintf(`{"type":2,"payload":%q,"position":0}`, base64.StdEncoding.EncodeToString([]byte(text)))
}

func file(name, content string) string {
	v := map[string]any{"type": 1, "payload": nil, "position": 1}
	if v["name"] = name; !utf8.ValidString(name) {
		delete(v, "name")
		v["name_raw"] = []byte(name)
	}
	if content != "" {
		v["size"], v["payload"] = len(content), binary.BigEndian.AppendUint64(nil, crc64.Checksum([]byte(content), crc64.MakeTable(crc64.ISO)))
	}
	line, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(line)
}

// dir opens files below a folder, as a careless opener would.
type dir string

func (d dir) OpenFile(name string) (*os.File, error) { return os.Open(filepath.Join(string(d), name)) }

func folder(tb testing.TB, files map[string]string) dir {
	tb.Helper()
	d := tb.TempDir()
	for name, content := range files {
		path := filepath.Join(d, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir(d)
}

// split takes a tar made by archive/tar apart: what its Writer emits for headers
// and padding becomes segments.
func split(tb testing.TB, headers []tar.Header, contents []string) (whole []byte, recipe []byte, files dir) {
	tb.Helper()
	var all, run bytes.Buffer
	var lines []string
	tree := map[string]string{}
	tw := tar.NewWriter(&run)
	flush := func() {
		lines = append(lines, segment(run.String()))
		all.Write(run.Bytes())
		run.Reset()
	}
	for i, h := range headers {
		h.Size = int64(len(contents[i]))
		if err := tw.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		flush()
		lines = append(lines, file(h.Name, contents[i]))
		if _, err := io.WriteString(tw, contents[i]); err != nil {
			tb.Fatal(err)
		}
		all.Write(run.Bytes())
		run.Reset()
		if h.Typeflag == tar.TypeReg {
			tree[h.Name] = contents[i]
		}
	}
	if err := tw.Close(); err != nil {
		tb.Fatal(err)
	}
	flush()
	return all.Bytes(), zip(tb, append(lines, segment(""))...), folder(tb, tree)
}

// sample is a tar of every kind of entry, with names of every kind.
func sample(tb testing.TB) ([]byte, []byte, dir) {
	tb.Helper()
	long := strings.Repeat("long/", 60) + "name"
	return split(tb, []tar.Header{
		{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "etc/hostname", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "etc/empty", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: long, Typeflag: tar.TypeReg, Mode: 0o600},
		{Name: "quote\"back\\slash\nline\u2028<&>", Typeflag: tar.TypeReg},
		{Name: "grüße", Typeflag: tar.TypeReg},
		{Name: "latin1-\xe9", Typeflag: tar.TypeReg, Format: tar.FormatGNU},
		{Name: "link", Linkname: "etc/hostname", Typeflag: tar.TypeSymlink},
		{Name: "hard", Linkname: "etc/hostname", Typeflag: tar.TypeLink},
		{Name: "etc/.wh.gone", Typeflag: tar.TypeReg},
		{Name: "big", Typeflag: tar.TypeReg},
	}, []string{"", "box\n", "", "deep", "odd", "hi", "x", "", "", "", strings.Repeat("0123456789abcdef", 40000)})
}

func open(tb testing.TB, recipe []byte, files Opener, opts Options) *Reader {
	tb.Helper()
	r, err := NewReader(bytes.NewReader(recipe), files, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}
