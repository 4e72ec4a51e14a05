package cstor_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// tarLines describes a tar, an entry a line, whiteouts without what a store does not
// keep of them, sorted by name.
func tarLines(t *testing.T, r io.Reader) []string {
	t.Helper()
	var lines []string
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		check(t, err)
		content, err := io.ReadAll(in)
		check(t, err)
		name := path.Clean("/" + h.Name)
		if strings.HasPrefix(path.Base(name), ".wh.") {
			lines = append(lines, fmt.Sprintf("%q whiteout", name))
			continue
		}
		link := h.Linkname
		if h.Typeflag == tar.TypeLink {
			link = path.Clean("/" + link)
		}
		xattrs := map[string]string{}
		for k, v := range h.PAXRecords {
			if k, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
				xattrs[k] = v
			}
		}
		lines = append(lines, fmt.Sprintf("%q %c %o %d:%d %d %q %v %x %d,%d %q", name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Size, link,
			h.ModTime.UTC(), content[:min(len(content), 64)], h.Devmajor, h.Devminor, xattrs))
	}
	slices.Sort(lines)
	return lines
}

// approximate writes the layer's tar twice, and returns it.
func approximate(t *testing.T, l *cstor.Layer) ([]byte, cstor.Report) {
	t.Helper()
	var b, again bytes.Buffer
	report, err := l.WriteTar(t.Context(), &b, cstor.WriteOptions{Approximate: true})
	check(t, err)
	_, err = l.WriteTar(t.Context(), &again, cstor.WriteOptions{Approximate: true, NoVerify: true})
	check(t, err)
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the second time it is another tar")
	}
	if !report.Approximate || report.Size != int64(b.Len()) {
		t.Errorf("%+v for %d bytes", report, b.Len())
	}
	return b.Bytes(), report
}

// TestApproximateTar: what is made of a layer without recipe says the same as the tar
// that the layer was made from.
func TestApproximateTar(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, for owners, devices and overlay's marks")
	}
	// The order of names decides which of a file's is the hard link.
	const spec = `
layer base MORE
  dir      ./ 0755
  dir      dev 0755
  char     dev/null 0666 1 3
  fifo     dev/initctl 0600
  dir      etc 0750 1000:33 mtime=2023-01-02T03:04:05.678901234Z
  file     etc/a 04755 "content\n"
  hardlink etc/b etc/a
  file     etc/empty 0644
  symlink  etc/link /elsewhere
  dir      opt 0755
  file     opt/big 0640 5:6 size=300K seed=1
  xattr    opt/big user.note="\x00\xff"
  file     etc/gone 0644 "x"
layer top parent=base MORE
  dir      ./ 0755
  dir      etc 0750 1000:33 mtime=2023-01-02T03:04:05.678901234Z
  file     etc/a 0644 "other\n"
  whiteout etc/gone
  dir      opt 0700
  opaque   opt
  file     opt/small 0644 "small\n"
image localhost/x:1 layer=top
`
	noDevices := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, `"/dev/`) })
	}
	for name, test := range map[string]struct {
		opts     storetest.Options
		words    string
		verified cstor.Verified
	}{
		"tree":                  {words: "no-tar-split"},
		"tree, whiteout files":  {words: "no-tar-split", opts: storetest.Options{Whiteouts: storetest.WhiteoutsFiles}},
		"vfs":                   {words: "no-tar-split", opts: storetest.Options{Driver: "vfs"}},
		"table of contents":     {words: "chunked by-toc no-tar-split", verified: cstor.VerifiedTOC},
		"flat":                  {words: "flat by-toc no-tar-split", verified: cstor.VerifiedTOC},
		"split store":           {words: "no-tar-split", opts: storetest.Options{ImageStore: "images"}},
		"split store, old, toc": {words: "chunked by-toc no-tar-split", opts: storetest.Options{ImageStore: "images", Old: true}, verified: cstor.VerifiedTOC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, strings.ReplaceAll(spec, "MORE", test.words), test.opts)
			s := open(t, made)
			for _, info := range made.Layers() {
				l, err := s.Layer(info.ID)
				check(t, err)
				if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); !errors.Is(err, cstor.ErrNoTar) {
					t.Errorf("exact: %v", err)
				}
				b, report := approximate(t, l)
				if report.Verified != test.verified {
					t.Errorf("verified %q, want %q", report.Verified, test.verified)
				}
				want, got := tarLines(t, bytes.NewReader(info.Tar)), tarLines(t, bytes.NewReader(b))
				if test.opts.Driver == "vfs" && info.Name == "top" { // opaque directories are told by what is gone
					want = slices.DeleteFunc(want, func(l string) bool { return strings.Contains(l, "opq") })
					want = append(want, `"/opt/.wh.big" whiteout`)
					slices.Sort(want)
				}
				if strings.Contains(test.words, "chunked") { // not on disk, and in the table
					want, got = noDevices(want), noDevices(got)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("layer %s (-tar +made):\n%s", info.Name, diff)
				}
			}
		})
	}
}

// TestApproximateContainer: the writable layer of the sample's container.
func TestApproximateContainer(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	l, err := open(t, made).Layer(made.Container("work").Layer.ID)
	check(t, err)
	if os.Getuid() != 0 {
		_, err = l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{Approximate: true})
		t.Logf("without privileges: %v", err)
		t.Skip("needs root, to see overlay's marks")
	}
	b, report := approximate(t, l)
	if report.Verified != cstor.VerifiedNothing {
		t.Errorf("verified %q", report.Verified)
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		check(t, err)
		names = append(names, h.Name)
	}
	want := []string{"./", "etc/", "etc/hostname", "opt/", "opt/app/", "opt/app/.wh.run"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// TestMetacopy: a file whose mode alone a container has changed has its content from
// below.
func TestMetacopy(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, for trusted attributes")
	}
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	stub := filepath.Join(made.Container("work").Layer.Diff, "etc", "passwd")
	check(t, os.WriteFile(stub, nil, 0o600))
	check(t, os.Truncate(stub, 68))
	check(t, unix.Setxattr(stub, "trusted.overlay.metacopy", nil, 0))
	l, err := open(t, made).Layer(made.Container("work").Layer.ID)
	check(t, err)
	b, _ := approximate(t, l)
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		check(t, err)
		if h.Name != "etc/passwd" {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil || h.Mode != 0o600 || !strings.HasPrefix(string(content), "root:x:0:0:") {
			t.Errorf("%o %q, %v", h.Mode, content, err)
		}
		return
	}
}

// TestRenamed: no tar of the layer alone can tell of a directory that overlay has renamed; its files are still to be had.
func TestRenamed(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, `
layer base
  dir  a 0755
  file a/f 0644 "content"
layer rw container parent=base
  dir  z 0755
  file z/f 0600 zeros=7
container c layer=rw
`, storetest.Options{Whiteouts: storetest.WhiteoutsUser})
	dir := filepath.Join(made.Layer("rw").Diff, "z")
	if err := errors.Join(unix.Setxattr(dir, "user.overlay.redirect", []byte("/a"), 0), unix.Setxattr(dir+"/f", "user.overlay.metacopy", nil, 0)); err != nil {
		t.Skip("setxattr: ", err)
	}
	l, err := open(t, made).Layer(made.Layer("rw").ID)
	check(t, err)
	_, err = l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{Approximate: true})
	if entry := (*tarsplit.EntryError)(nil); !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &entry) || entry.Name != "z/" {
		t.Error(err)
	}
	f, err := l.OpenFile("z/f")
	check(t, err)
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
	check(t, l.UseFile("z/f", func(_ int, size int64) error {
		if size != 7 {
			t.Errorf("%d bytes", size)
		}
		return nil
	}))
	if err := os.Remove(filepath.Join(made.Layer("base").Diff, "a", "f")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.OpenFile("z/f"); !errors.Is(err, driver.ErrMetacopy) || !errors.Is(err, cstor.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without content: %v", err)
	}
}

// TestDamagedMadeTar: no table of contents and no tree leads to wrong bytes.
func TestDamagedMadeTar(t *testing.T) {
	t.Parallel()
	edit := func(old, text string) storetest.Fault {
		return func(s *storetest.Store) error {
			l := s.Layer("a")
			table := bytes.ReplaceAll(l.TOC, []byte(old), []byte(text))
			if bytes.Equal(table, l.TOC) {
				return fmt.Errorf("the table has no %s", old)
			}
			dir := strings.TrimSuffix(l.TarSplit, ".tar-split.gz")
			return os.WriteFile(dir+"/"+storetest.BigDataName("zstd-chunked-manifest"), table, 0o600)
		}
	}
	object := storetest.ObjectName([]byte("content\n"))
	const digest = `"digest":"sha256:`
	for name, test := range map[string]struct {
		words string
		fault storetest.Fault
		want  error // any error if nil
	}{
		"tree: larger size":    {"chunked", edit(`"size":8`, `"size":9`), tarsplit.ErrSize},
		"tree: smaller size":   {"chunked", edit(`"size":8`, `"size":7`), tarsplit.ErrSize},
		"tree: negative size":  {"chunked", edit(`"size":8`, `"size":-8`), nil},
		"tree: immense size":   {"chunked", edit(`"size":8`, `"size":9223372036854775807`), nil},
		"tree: wrong digest":   {"chunked", edit(digest, digest+"00"), nil},
		"tree: another digest": {"chunked", edit(bareDigest("content\n"), bareDigest("other\n")), tarsplit.ErrDigest},
		"tree: changed file":   {"chunked", storetest.CorruptFile("a", "f"), tarsplit.ErrDigest},
		"tree: missing file":   {"chunked", storetest.RemoveFile("a", "f"), tarsplit.ErrMissing},
		"tree: FIFO":           {"chunked", storetest.ReplaceWithFIFO("a", "f"), nil},
		"tree: name climbs":    {"chunked", edit(`"name":"f"`, `"name":"../../../../../../../../../etc/passwd"`), tarsplit.ErrMissing},
		"tree: name with NUL":  {"chunked", edit(`"name":"f"`, `"name":"f\u0000"`), nil},
		"tree: no such type":   {"chunked", edit(`"type":"reg"`, `"type":"what"`), nil},
		"tree: no table":       {"chunked", edit(`{"version"`, `["version"`), nil},
		"tree: version 2":      {"chunked", edit(`"version":1`, `"version":2`), nil},
		"flat: larger size":    {"flat", edit(`"size":8`, `"size":9`), tarsplit.ErrSize},
		"flat: another digest": {"flat", edit(bareDigest("content\n"), bareDigest("other\n")), nil},
		"flat: digest climbs":  {"flat", edit(digest+bareDigest("content\n"), digest+"../../../../../../../../../../../../../../../../../../../etc/passwd"), nil},
		"flat: object missing": {"flat", func(s *storetest.Store) error { return os.Remove(s.Layer("a").Diff + "/" + object) }, nil},
		"flat: object is a link": {"flat", func(s *storetest.Store) error {
			p := s.Layer("a").Diff + "/" + object
			return errors.Join(os.Remove(p), os.Symlink("/etc/hostname", p))
		}, nil},
		"flat: object changed": {"flat", func(s *storetest.Store) error {
			p := s.Layer("a").Diff + "/" + object
			return errors.Join(os.Chmod(p, 0o600), os.WriteFile(p, []byte("CONTENT\n"), 0o600))
		}, tarsplit.ErrDigest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := storetest.New(t, "layer a by-toc no-tar-split "+test.words+"\nfile f 0644 \"content\\n\"\nimage localhost/a layer=a\n", storetest.Options{})
			made.Apply(t, test.fault)
			l, err := open(t, made).Layer(made.Layer("a").ID)
			check(t, err)
			_, err = l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{Approximate: true})
			if err == nil || test.want != nil && !errors.Is(err, test.want) || errors.Is(err, os.ErrNotExist) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), l.ID()) {
				t.Errorf("the error does not name the layer: %v", err)
			}
			t.Log(err)
		})
	}
}

func bareDigest(content string) string {
	return strings.TrimPrefix(storetest.Digest([]byte(content)), "sha256:")
}
