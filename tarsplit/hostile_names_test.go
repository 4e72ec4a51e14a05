package tarsplit_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/tarsplit"
)

// TestHostileNames takes files of a layer on disk as package driver opens them.
// The file that names might reach outside says "secret!", those inside "content".
func TestHostileNames(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	layer := filepath.Join(outside, "layer")
	tarsplit.Check(t, os.MkdirAll(filepath.Join(layer, "d"), 0o755))
	tarsplit.Write("secret!")(t, filepath.Join(outside, "secret"))
	tarsplit.Write("content")(t, filepath.Join(layer, "d/f"))
	tarsplit.Write("content")(t, filepath.Join(layer, "latin1-\xe9"))
	for name, target := range map[string]string{
		"link": "d/f", "slashdir": "/d", "out": filepath.Join(outside, "secret"), "outdir": "../", "absdir": outside,
	} {
		tarsplit.Check(t, os.Symlink(target, filepath.Join(layer, name)))
	}
	tarsplit.Check(t, syscall.Mkfifo(filepath.Join(layer, "fifo"), 0o644))
	tarsplit.Check(t, syscall.Mknod(filepath.Join(layer, "socket"), syscall.S_IFSOCK|0o644, 0))
	device := syscall.Mknod(filepath.Join(layer, "null"), syscall.S_IFCHR|0o666, 1<<8|3)
	dirs, err := beneath.Open(outside, beneath.NoLinks)
	tarsplit.Check(t, err)
	t.Cleanup(func() { _ = dirs.Close() })
	files, err := driver.OpenVFS(dirs, "layer", driver.VFSOptions{})
	tarsplit.Check(t, err)
	t.Cleanup(func() { _ = files.Close() })

	for _, test := range []struct {
		name    string
		want    error // nil: "content"
		escapes bool  // if os.Open is the opener
	}{
		{name: "../../../d/f"},
		{name: "slashdir/f"},
		{name: "outdir/d/f"}, // ".." ends at the layer's root
		{name: "latin1-\xe9"},
		{name: "../secret", want: tarsplit.ErrMissing, escapes: true},
		{name: "d/../../secret", want: tarsplit.ErrMissing, escapes: true},
		{name: "outdir/secret", want: tarsplit.ErrMissing, escapes: true},
		{name: "absdir/secret", want: tarsplit.ErrMissing, escapes: true},
		{name: "out", want: beneath.ErrNotRegular, escapes: true},
		{name: filepath.Join(outside, "secret"), want: tarsplit.ErrMissing},
		{name: "link", want: syscall.ELOOP},
		{name: "d", want: syscall.EISDIR},
		{name: "fifo", want: beneath.ErrNotRegular},
		{name: "socket", want: beneath.ErrNotRegular},
		{name: "null", want: beneath.ErrNotRegular},
		{name: "d/f\x00", want: fs.ErrInvalid},
		{name: strings.Repeat("n", 256), want: syscall.ENAMETOOLONG},
		{name: strings.Repeat("d/", 3000) + "f", want: syscall.ENAMETOOLONG},
	} {
		t.Run(fmt.Sprintf("%.30q", test.name), func(t *testing.T) {
			if test.name == "null" && device != nil {
				t.Skip(device)
			}
			recipe := tarsplit.Zip(t, tarsplit.Segment("ab"), tarsplit.Content(test.name, "content"), tarsplit.Segment("cd"))
			tarsplit.EveryWay(recipe, files, tarsplit.Options{}, func(way, tar string, err error) {
				var entry *tarsplit.EntryError
				ok := tar == "abcontentcd" && err == nil
				if test.want != nil {
					ok = tar == "ab" && errors.As(err, &entry) && entry.Name == test.name && errors.Is(err, test.want) && !errors.Is(err, fs.ErrNotExist)
				}
				if !ok {
					t.Errorf("%s: %q, error %v, want %v", way, tar, err, test.want)
				}
			})
			if test.escapes {
				if got, err := io.ReadAll(tarsplit.Open(t, recipe, tarsplit.Dir(layer), tarsplit.Options{})); err != nil || string(got) != "absecret!cd" {
					t.Errorf("not an attack: %q, %v", got, err)
				}
			}
		})
	}
}
