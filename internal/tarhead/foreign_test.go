package tarhead

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// goTar is a tar by archive/tar in one format.
func goTar(tb testing.TB, format tar.Format) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	long := strings.Repeat("long/", 40) + "name"
	headers := []tar.Header{
		{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "dir/file", Typeflag: tar.TypeReg, Size: 700, Mode: 0o644, Uname: "root", Gname: "wheel"},
		{Name: "link", Linkname: "dir/file", Typeflag: tar.TypeSymlink, Mode: 0o777},
		{Name: "hard", Linkname: "dir/file", Typeflag: tar.TypeLink},
		{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
		{Name: "disk", Typeflag: tar.TypeBlock, Devmajor: 259, Devminor: 77},
		{Name: "fifo", Typeflag: tar.TypeFifo, Uid: 1000, Gid: 1001},
		{Name: long, Typeflag: tar.TypeReg, Size: 512},
	}
	if format != tar.FormatUSTAR {
		headers = append(headers,
			tar.Header{Name: "owners", Typeflag: tar.TypeReg, Uid: 1 << 30, Gid: 1 << 22, Size: 1},
			tar.Header{Name: strings.Repeat("x", 300), Linkname: strings.Repeat("y/", 200), Typeflag: tar.TypeSymlink},
			tar.Header{Name: "times", Typeflag: tar.TypeReg, AccessTime: time.Unix(1, 0), ChangeTime: time.Unix(2, 0), ModTime: time.Unix(-5, 0)},
		)
	}
	switch format {
	case tar.FormatGNU:
		headers = append(headers, tar.Header{Name: "latin1-\xe9", Typeflag: tar.TypeReg, Uname: "us\xe9r"})
	case tar.FormatPAX:
		headers = append(headers,
			tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "all", "mtime": "7"}},
			tar.Header{Name: "grüße", Typeflag: tar.TypeReg, ModTime: time.Unix(-1, 250_000_000)},
			tar.Header{Name: "xattr", Typeflag: tar.TypeReg, Size: 5, PAXRecords: map[string]string{
				"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\n=", "SCHILY.xattr.user.empty": "", "VENDOR.note": "1",
			}},
		)
	}
	for _, h := range headers {
		if h.Format = format; h.ModTime.IsZero() && h.Typeflag != tar.TypeXGlobalHeader {
			h.ModTime = time.Unix(1_700_000_000, 0)
		}
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatalf("%q: %v", h.Name, err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestGoTars(t *testing.T) {
	t.Parallel()
	for format, want := range map[tar.Format]int{tar.FormatUSTAR: 8, tar.FormatGNU: 12, tar.FormatPAX: 13} {
		t.Run(format.String(), func(t *testing.T) {
			t.Parallel()
			if list := compare(t, goTar(t, format), true); len(list) != want {
				t.Errorf("%d entries, want %d", len(list), want)
			}
		})
	}
}

// tree makes files for a tar program: names of all sorts, links, holes, attributes.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("l", 120)
	check(os.MkdirAll(filepath.Join(dir, "dir", long), 0o755))
	for _, name := range []string{"file", "dir/other", "latin1-\xe9", "grüße", "dir/" + long + "/" + long, "new\nline"} {
		check(os.WriteFile(filepath.Join(dir, name), []byte("content of "+name), 0o640))
	}
	check(os.Symlink("file", filepath.Join(dir, "link")))
	check(os.Symlink(strings.Repeat("x/", 90), filepath.Join(dir, "longlink")))
	check(os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "hard")))
	check(syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	check(os.Chtimes(filepath.Join(dir, "file"), time.Unix(5, 123_456_789), time.Unix(-5, 987_654_321)))
	const step = 16 << 10
	for name, n := range map[string]int64{"few": 3, "many": 40} { // fragments of data, and holes
		f, err := os.Create(filepath.Join(dir, "sparse-"+name))
		check(err)
		for at := int64(0); at < n*step; at += step {
			_, err = f.WriteAt([]byte("data"), at)
			check(err)
		}
		check(f.Truncate(41 * step))
		check(f.Close())
	}
	if err := syscall.Setxattr(filepath.Join(dir, "file"), "user.note", []byte("a\x00b"), 0); err != nil {
		missing(t, fmt.Sprintf("no extended attributes here: %v", err))
	}
	return dir
}

// missing skips a test, or fails it where every peer is required (scripts/test.sh).
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CSTOR_REQUIRE_PEERS") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func TestGNUTars(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "tar", "--version").Output(); err != nil || !bytes.Contains(out, []byte("GNU tar")) {
		missing(t, "no GNU tar here")
	}
	dir := tree(t)
	for _, test := range []struct {
		args   []string
		sparse string // format of the sparse files
	}{
		{args: []string{"--format=v7", "--mtime=@1000", "--exclude=lll*", "--exclude=longlink", "--exclude=fifo"}},
		{args: []string{"--format=ustar", "--mtime=@1000", "--exclude=lll*", "--exclude=longlink", "--numeric-owner"}},
		{args: []string{"--format=oldgnu"}},
		{args: []string{"--format=gnu"}},
		{args: []string{"--format=gnu", "--incremental"}},
		{args: []string{"--format=posix", "--xattrs"}},
		{args: []string{"--format=posix", "--pax-option=globexthdr.name=g,comment=hello,gname=pax"}},
		{args: []string{"--format=posix", "--pax-option=delete=atime,gname:=pax"}},
		{args: []string{"--format=oldgnu", "-S"}, sparse: "gnu"},
		{args: []string{"--format=gnu", "-S"}, sparse: "gnu"},
		{args: []string{"--format=posix", "-S", "--sparse-version=0.0"}, sparse: "0.0"},
		{args: []string{"--format=posix", "-S", "--sparse-version=0.1"}, sparse: "0.1"},
		{args: []string{"--format=posix", "-S", "--sparse-version=1.0"}, sparse: "1.0"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			var out, msg bytes.Buffer
			cmd := exec.CommandContext(t.Context(), "tar", append(test.args, "--sort=name", "-C", dir, "-cf", "-", ".")...)
			cmd.Stdout, cmd.Stderr = &out, &msg
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s", err, &msg)
			}
			list := compare(t, out.Bytes(), true)
			sparse := 0
			for i := range list {
				h := &list[i]
				if h.Sparse == nil {
					continue
				}
				if sparse++; h.Sparse.Format != test.sparse || !strings.HasPrefix(h.Name, "./sparse-") || h.Sparse.Size%41 != 0 {
					t.Errorf("%q: %+v", h.Name, h.Sparse)
				}
			}
			if (sparse == 2) != (test.sparse != "") {
				t.Errorf("%d sparse files", sparse)
			}
		})
	}
}

// pythonTar writes a tar in one of tarfile's formats, with what other writers avoid.
const pythonTar = `
import io, sys, tarfile
fmt = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}[sys.argv[1]]
pax = fmt == tarfile.PAX_FORMAT
t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=fmt, errors="surrogateescape",
    pax_headers={"comment": "global", "uid": "4711", "SCHILY.xattr.user.g": "x"} if pax else None)
def add(name, data=b"", **kw):
    i = tarfile.TarInfo(name)
    i.size = len(data)
    for k, v in kw.items():
        setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
add("plain", b"content")
add("caf\udce9", b"latin 1")
add("sub/" * 20 + "n" * 90, b"prefix")
add("dir", type=tarfile.DIRTYPE, mode=0o755)
add("link", type=tarfile.SYMTYPE, linkname="caf\udce9")
add("old", b"abc", type=tarfile.AREGTYPE)
add("cont", b"abc", type=tarfile.CONTTYPE)
add("dev", type=tarfile.CHRTYPE, devmajor=5, devminor=1)
if fmt != tarfile.USTAR_FORMAT:
    add("old times", mtime=-1000000, uid=2097152, gid=2**30)
    add("very" * 90, b"x" * 513)
    add("longlink", type=tarfile.LNKTYPE, linkname="target/" * 40)
if pax:
    add("fraction", mtime=-1.75)
    add("records", pax_headers={"SCHILY.xattr.user.a": "b", "hdrcharset": "BINARY", "atime": "12.5", "VENDOR.x": "\u00e9"})
t.close()
`

func TestPythonTars(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		missing(t, "no python3 here")
	}
	for format, want := range map[string]int{"ustar": 8, "gnu": 11, "pax": 13} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), "python3", "-c", pythonTar, format).Output()
			if err != nil {
				t.Fatal(err)
			}
			list := compare(t, out, true)
			names := fmt.Sprintf("%q", func() (all []string) {
				for _, h := range list {
					all = append(all, h.Name)
				}
				return all
			}())
			if len(list) != want || !strings.Contains(names, `"caf\xe9"`) {
				t.Errorf("%d entries, want %d: %s", len(list), want, names)
			}
		})
	}
}
