package beneath

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEscapes(t *testing.T) {
	t.Parallel()
	for _, e := range escapes {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, e.layout...)
			path := strings.ReplaceAll(e.path, "@", string(s))
			if !e.alwaysFails {
				// Not filepath.Join, which would clean the attack away.
				got, err := os.ReadFile(s.in() + "/" + path)
				if err != nil || string(got) != "outside" {
					t.Fatalf("unguarded: got %q, %v; the attack does not work", got, err)
				}
			}
			for variant, m := range variants() {
				t.Run(variant, func(t *testing.T) {
					noLinks, inRoot := openSite(t, s, NoLinks, m), openSite(t, s, InRoot, m)
					checkOpen(t, "NoLinks.File", noLinks.File, path, e.noLinks)
					checkOpen(t, "InRoot.File", inRoot.File, path, e.inRoot)
					checkOpen(t, "NoLinks.ReadInto", into(noLinks), path, e.noLinks)
					checkOpen(t, "InRoot.ReadInto", into(inRoot), path, e.inRoot)
					checkOpen(t, "InRoot.Follow", inRoot.Follow, path, e.follow)
				})
			}
		})
	}
}

// into opens by ReadInto: a file in memory with what that reads.
func into(d *Dir) func(string) (*os.File, error) {
	return func(name string) (*os.File, error) {
		size, err := d.ReadInto(name, make([]byte, 1<<10)) // of another length
		if err != nil {
			return nil, err
		}
		p := make([]byte, size)
		if _, err := d.ReadInto(name, p); err != nil {
			return nil, err
		}
		fd, err := unix.MemfdCreate("into", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, err
		}
		f := os.NewFile(uintptr(fd), name)
		_, err = f.WriteAt(p, 0)
		return f, err
	}
}

// checkOpen compares the content or error of open(path) with want.
func checkOpen(t *testing.T, what string, open func(string) (*os.File, error), path string, want any) {
	t.Helper()
	f, err := open(path)
	if wantErr, ok := want.(error); ok {
		var pathErr *fs.PathError
		if !errors.Is(err, wantErr) || !errors.As(err, &pathErr) {
			t.Errorf("%s: got error %v, want a *fs.PathError matching %v", what, err, wantErr)
		}
		if f != nil {
			t.Errorf("%s: got a file besides the error", what)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || string(got) != want {
		t.Errorf("%s: read %q, %v, want %q", what, got, err, want)
	}
}

// TestEscapesOfDirs runs the attacks on directories.
func TestEscapesOfDirs(t *testing.T) {
	t.Parallel()
	s := newSite(t, "link abs @/out", "link rel ../out", "link m @", "dir d/out", "file d/f x", "link ind /d")
	for variant, m := range variants() {
		for _, test := range []struct {
			path                 string
			noLinks, dir, follow error
			unguarded            bool
		}{
			{path: "abs", noLinks: unix.ENOTDIR, dir: unix.ENOTDIR, follow: unix.ENOENT, unguarded: true},
			{path: "rel", noLinks: unix.ENOTDIR, dir: unix.ENOTDIR, follow: unix.ENOENT, unguarded: true},
			{path: "m/out", noLinks: unix.ELOOP, dir: unix.ENOENT, follow: unix.ENOENT, unguarded: true},
			{path: "../out", noLinks: unix.EXDEV, dir: unix.ENOENT, follow: unix.ENOENT, unguarded: true},
			{path: "abs/", noLinks: unix.EINVAL, dir: unix.EINVAL, follow: unix.EINVAL, unguarded: true},
			{path: "d/f", noLinks: unix.ENOTDIR, dir: unix.ENOTDIR, follow: unix.ENOTDIR},
			{path: "d/out"},
			{path: ""},
			{path: "/"},
			{path: "ind", noLinks: unix.ENOTDIR, dir: unix.ENOTDIR},
			{path: "ind/out", noLinks: unix.ELOOP},
			{path: "..", noLinks: unix.EXDEV},
		} {
			t.Run(variant+"/"+test.path, func(t *testing.T) {
				if _, err := os.Stat(s.in() + "/" + test.path + "/secret"); test.unguarded && err != nil {
					t.Fatalf("unguarded: %v; the attack does not work", err)
				}
				noLinks, inRoot := openSite(t, s, NoLinks, m), openSite(t, s, InRoot, m)
				for what, call := range map[string]func() (*Dir, error){
					"NoLinks.Dir":      func() (*Dir, error) { return noLinks.Dir(test.path, InRoot) },
					"InRoot.Dir":       func() (*Dir, error) { return inRoot.Dir(test.path, InRoot) },
					"InRoot.FollowDir": func() (*Dir, error) { return inRoot.FollowDir(test.path, NoLinks) },
				} {
					want := map[string]error{"NoLinks.Dir": test.noLinks, "InRoot.Dir": test.dir, "InRoot.FollowDir": test.follow}[what]
					d, err := call()
					if !errors.Is(err, want) {
						t.Errorf("%s: got error %v, want %v", what, err, want)
					}
					if err != nil {
						continue
					}
					if _, err := d.Lstat("secret"); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: got outside: Lstat: %v", what, err)
					}
					must(t, d.Close())
				}
				var err error
				for _, err = range noLinks.ReadDir(test.path) {
					if err != nil {
						break
					}
				}
				if !errors.Is(err, test.noLinks) {
					t.Errorf("NoLinks.ReadDir: got error %v, want %v", err, test.noLinks)
				}
			})
		}
	}
}

// TestMagicLinks opens a real proc file system as the tree.
func TestMagicLinks(t *testing.T) {
	t.Parallel()
	if detect().proc < 0 {
		t.Skip("no /proc")
	}
	for variant, m := range variants() {
		t.Run(variant, func(t *testing.T) {
			d, err := open("/proc", InRoot, m)
			must(t, err)
			defer d.Close()
			if _, err := os.Stat("/proc/self/root/proc"); err != nil {
				t.Fatalf("unguarded: %v", err)
			}
			for _, name := range []string{"self/root/proc/version", "self/cwd/go.mod", "self/fd/0/x"} {
				checkOpen(t, "File "+name, d.File, name, unix.ELOOP)
			}
			for _, name := range []string{"self/exe", "self/cwd", "self/root", "self/ns/mnt"} {
				checkOpen(t, "File "+name, d.File, name, ErrNotRegular)
				checkOpen(t, "Follow "+name, d.Follow, name, unix.ELOOP)
				if _, err := d.FollowDir(name, InRoot); !errors.Is(err, unix.ELOOP) {
					t.Errorf("FollowDir %s: got error %v, want ELOOP", name, err)
				}
			}
			// An ordinary link of procfs.
			f, err := d.Follow("mounts")
			if err != nil {
				t.Fatalf("Follow mounts: %v", err)
			}
			must(t, f.Close())
		})
	}
}
