package ocicopy_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// tree lists a directory with types, sizes and inodes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		if d.IsDir() {
			st.Size = 0
		}
		b.WriteString(strings.Join([]string{strings.TrimPrefix(path, dir), d.Type().String(), filepath.Base(path)}, " "))
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

// TestRefused: what cannot be written to is left as it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	s := open(t, made)
	i := image(t, s, "one:1")
	version := func(dir, text string) error {
		return os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(text), 0o644)
	}
	index := func(text string) func(string) error {
		return func(dir string) error {
			return errors.Join(version(dir, `{"imageLayoutVersion":"1.0.0"}`), os.WriteFile(filepath.Join(dir, "index.json"), []byte(text), 0o644))
		}
	}
	for name, c := range map[string]struct {
		prepare func(dir string) error
		want    error
	}{
		"other files":     {func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o644) }, ocicopy.ErrNotLayout},
		"version 2":       {func(dir string) error { return version(dir, `{"imageLayoutVersion":"2.0.0"}`) }, ocicopy.ErrNotLayout},
		"no version":      {func(dir string) error { return version(dir, `{}`) }, ocicopy.ErrNotLayout},
		"no JSON":         {func(dir string) error { return version(dir, `1.0.0`) }, ocicopy.ErrNotLayout},
		"broken index":    {index(`{"schemaVersion":2,"manifests":[`), ocicopy.ErrNotLayout},
		"empty index":     {index(``), ocicopy.ErrNotLayout},
		"null":            {index(`null`), ocicopy.ErrNotLayout},
		"index of a list": {index(`[]`), ocicopy.ErrNotLayout},
		"schema version":  {index(`{"schemaVersion":1}`), ocicopy.ErrNotLayout},
		"media type":      {index(`{"schemaVersion":2,"mediaType":"x/y"}`), ocicopy.ErrNotLayout},
		"no digest":       {index(`{"schemaVersion":2,"manifests":[{}]}`), ocicopy.ErrNotLayout},
		"null manifest":   {index(`{"schemaVersion":2,"manifests":[null]}`), ocicopy.ErrNotLayout},
		"a fifo for index": {func(dir string) error {
			return errors.Join(index(`{}`)(dir), os.Remove(filepath.Join(dir, "index.json")), unix.Mkfifo(filepath.Join(dir, "index.json"), 0o600))
		}, nil},
		"a fifo for layout": {func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "oci-layout"), 0o600) }, nil},
		"a file for blobs": {func(dir string) error {
			return errors.Join(index(`{"schemaVersion":2}`)(dir), os.WriteFile(filepath.Join(dir, "blobs"), nil, 0o600))
		}, unix.ENOTDIR},
	} {
		dir := t.TempDir()
		check(t, c.prepare(dir))
		before := tree(t, dir)
		_, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: "r"}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
		if after := tree(t, dir); after != before && !strings.HasPrefix(name, "a file") {
			t.Errorf("%s: before\n%safter\n%s", name, before, after)
		}
	}
}

// TestNotThere: destinations of all kinds that are none.
func TestNotThere(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	i := image(t, open(t, made), "one:1")
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	check(t, os.Symlink(made.Root, filepath.Join(dir, "store")))
	check(t, os.Symlink(filepath.Join(made.Root, "overlay"), filepath.Join(dir, "trees")))
	check(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	before := tree(t, made.Root)
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, c := range map[string]struct {
		to   ocicopy.Destination
		ref  string
		want error
	}{
		"no directory":            {ocicopy.Layout{}, "r", ocicopy.ErrDestination},
		"no file":                 {ocicopy.OCIArchive{}, "r", ocicopy.ErrDestination},
		"a file":                  {ocicopy.Layout{Dir: at("file")}, "r", unix.ENOTDIR},
		"below a file":            {ocicopy.Layout{Dir: at("file/out")}, "r", unix.ENOTDIR},
		"archive below a file":    {ocicopy.OCIArchive{File: at("file/out")}, "r", unix.ENOTDIR},
		"archive below nothing":   {ocicopy.OCIArchive{File: at("nothing/out")}, "r", fs.ErrNotExist},
		"archive is a directory":  {ocicopy.OCIArchive{File: dir}, "r", nil},
		"archive is a dead link":  {ocicopy.OCIArchive{File: at("dangling")}, "r", nil},
		"in the store":            {ocicopy.Layout{Dir: filepath.Join(made.Root, "new/dir")}, "r", ocicopy.ErrInStore},
		"the store":               {ocicopy.Layout{Dir: made.Root}, "r", ocicopy.ErrInStore},
		"in the store by link/..": {ocicopy.Layout{Dir: dir + "/trees/../new"}, "r", ocicopy.ErrInStore},
		"in the store by a link":  {ocicopy.Layout{Dir: at("store/overlay/x")}, "r", ocicopy.ErrInStore},
		"archive in the store":    {ocicopy.DockerArchive{File: at("store/out.tar")}, "r", ocicopy.ErrInStore},
		"reference":               {ocicopy.Layout{Dir: at("new")}, "a b", ocicopy.ErrReference},
		"reference of an archive": {ocicopy.OCIArchive{File: at("new")}, "/a", ocicopy.ErrReference},
		"docker's reference":      {ocicopy.DockerArchive{File: at("new")}, "A:b", ocicopy.ErrReference},
		"very long reference":     {ocicopy.Layout{Dir: at("new")}, strings.Repeat("a", 5000), ocicopy.ErrReference},
	} {
		_, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: c.ref}}, c.to, ocicopy.Options{})
		if err == nil || c.want != nil && !errors.Is(err, c.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := tree(t, made.Root); after != before {
		t.Errorf("the store:\n%s\nbefore:\n%s", after, before)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("left: %v, %v", left, err)
	}
	_, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i}}, ocicopy.DockerArchive{File: at("new")}, ocicopy.Options{Source: ocisource.Options{Compression: ocisource.Gzip}})
	if !errors.Is(err, ocicopy.ErrDestination) {
		t.Error(err)
	}
	s := open(t, made)
	_, err = ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: "x"}, {Image: image(t, s, "two:2"), Ref: "x"}}, ocicopy.Layout{Dir: at("new")}, ocicopy.Options{})
	if !errors.Is(err, ocicopy.ErrReference) {
		t.Error(err)
	}
}

// TestDamagedLayer: nothing of it is there afterwards, and what was there before is.
func TestDamagedLayer(t *testing.T) {
	t.Parallel()
	for _, c := range []ocisource.Compression{ocisource.None, ocisource.Gzip} {
		made := storetest.New(t, two, storetest.Options{})
		s := open(t, made)
		made.Apply(t, storetest.CorruptFile("m", "g"))
		dir := t.TempDir()
		layout, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "archive.tar")
		opts := ocicopy.Options{Source: ocisource.Options{Compression: c}}
		copyOne := func(name string, to ocicopy.Destination) error {
			_, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: image(t, s, name), Ref: "r"}}, to, opts)
			return err
		}
		mismatch := func(what string, err error) {
			if m := (*cstor.MismatchError)(nil); !errors.As(err, &m) || !strings.Contains(err.Error(), made.Layer("m").ID) {
				t.Errorf("%s, %s: %v", c, what, err)
			}
		}
		check(t, copyOne("two:2", ocicopy.Layout{Dir: layout}))
		check(t, copyOne("two:2", ocicopy.OCIArchive{File: archive}))
		before, index := tree(t, dir), readFile(t, filepath.Join(layout, "index.json"))
		mismatch("layout", copyOne("one:1", ocicopy.Layout{Dir: layout}))
		mismatch("archive", copyOne("one:1", ocicopy.OCIArchive{File: archive}))
		// The other layer is there already, so nothing is new.
		if after := tree(t, dir); after != before || readFile(t, filepath.Join(layout, "index.json")) != index {
			t.Errorf("%s: before\n%safter\n%s", c, before, after)
		}
		readLayout(t, layout)
		fresh := filepath.Join(dir, "fresh")
		made.Apply(t, storetest.CorruptFile("l", "f"))
		if err := copyOne("two:2", ocicopy.Layout{Dir: filepath.Join(fresh, "new")}); err == nil {
			t.Error("a damaged layer was copied")
		}
		if _, err := os.Stat(filepath.Join(fresh, "new", "index.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an index of nothing: %v", err)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	check(t, err)
	return string(b)
}

// TestNothingLeft: a layout that was made for nothing goes away.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, "layer l\n  file f 0644 \"f\"\nimage i layer=l\n", storetest.Options{})
	i := image(t, open(t, made), "i")
	made.Apply(t, storetest.CorruptFile("l", "f"))
	dir := t.TempDir()
	for _, to := range []ocicopy.Destination{ocicopy.Layout{Dir: filepath.Join(dir, "a/b/c")}, ocicopy.OCIArchive{File: filepath.Join(dir, "o")}, ocicopy.DockerArchive{File: filepath.Join(dir, "d")}} {
		if _, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i}}, to, ocicopy.Options{}); err == nil {
			t.Errorf("%v took it", to)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%v: left: %v, %v", to, left, err)
		}
	}
}

// TestInterrupted: a copy that ended early is made again, and goes on where it was.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	i := image(t, open(t, made), "one:1")
	dir := filepath.Join(t.TempDir(), "layout")
	mine := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	opts := ocicopy.Options{Parallel: 1, Progress: func(e ocicopy.Event) {
		if e.Step == ocicopy.Done { // the longer one
			cancel(mine)
		}
	}}
	_, err := ocicopy.Copy(ctx, []ocicopy.Image{{Image: i, Ref: "r"}}, ocicopy.Layout{Dir: dir}, opts)
	if !errors.Is(err, mine) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is an index: %v", err)
	}
	if n := len(blobsOf(t, dir)); n != 1 {
		t.Errorf("%d blobs", n)
	}
	report, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: "r"}}, ocicopy.Layout{Dir: dir}, ocicopy.Options{})
	check(t, err)
	if report.Layers != 2 || report.Reused != 1 {
		t.Errorf("%+v", report)
	}
	index, blobs := readLayout(t, dir)
	manifest(t, index, blobs, "r")
}

// TestVanished: a destination that goes away is an error, not one that comes back.
func TestVanished(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, two, storetest.Options{})
	i := image(t, open(t, made), "one:1")
	for _, again := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "layout")
		opts := ocicopy.Options{Parallel: 1, Progress: func(e ocicopy.Event) {
			if e.Step == ocicopy.Started {
				check(t, os.RemoveAll(dir))
				if again {
					check(t, os.Mkdir(dir, 0o755))
				}
			}
		}}
		_, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i, Ref: "r"}}, ocicopy.Layout{Dir: dir}, opts)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
			t.Errorf("again %v: %v", again, err)
		}
		if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
			t.Errorf("again %v: %v", again, left)
		}
	}
}

// TestReadOnly: an ordinary user may not write everywhere.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	storetest.AsUser(t, func(t *testing.T) {
		made := storetest.New(t, two, storetest.Options{})
		i := image(t, open(t, made), "one:1")
		dir := t.TempDir()
		check(t, os.Chmod(dir, 0o555))
		t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
		for _, to := range []ocicopy.Destination{ocicopy.Layout{Dir: dir}, ocicopy.Layout{Dir: filepath.Join(dir, "new")}, ocicopy.OCIArchive{File: filepath.Join(dir, "o")}} {
			if _, err := ocicopy.Copy(t.Context(), []ocicopy.Image{{Image: i}}, to, ocicopy.Options{}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v: %v", to, err)
			}
		}
	})
}

// TestNoSpace: a file system that is full is named, and has only what is complete.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount")
	}
	made := storetest.New(t, two, storetest.Options{})
	i := image(t, open(t, made), "one:1")
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("mount: ", err)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	layout := filepath.Join(dir, "layout")
	images := []ocicopy.Image{{Image: i, Ref: "r"}}
	for _, to := range []ocicopy.Destination{ocicopy.Layout{Dir: layout}, ocicopy.OCIArchive{File: filepath.Join(dir, "a")}} {
		if _, err := ocicopy.Copy(t.Context(), images, to, ocicopy.Options{}); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v: %v", to, err)
		}
	}
	for name := range blobsOf(t, layout) {
		if name == made.Layer("l").DiffID[7:] {
			t.Error("a blob that has no room")
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an archive that has no room")
	}
	// With more of it, the same goes on.
	check(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=20m"))
	_, err := ocicopy.Copy(t.Context(), images, ocicopy.Layout{Dir: layout}, ocicopy.Options{})
	check(t, err)
	index, blobs := readLayout(t, layout)
	manifest(t, index, blobs, "r")
}

// TestWrongLists: no images, and images that would have one tag, leave an archive as it is.
func TestWrongLists(t *testing.T) {
	t.Parallel()
	s := open(t, storetest.New(t, two, storetest.Options{}))
	one, other := image(t, s, "one:1"), image(t, s, "two:2")
	file := filepath.Join(t.TempDir(), "archive")
	check(t, os.WriteFile(file, []byte("old"), 0o644))
	for _, c := range []struct {
		images []ocicopy.Image
		want   error
	}{
		{nil, ocicopy.ErrNoImages},
		{[]ocicopy.Image{{Image: one, Ref: "app"}, {Image: other, Ref: "docker.io/library/app:latest"}}, ocicopy.ErrReference},
		{[]ocicopy.Image{{Image: one, Ref: "app"}, {Image: one, Ref: "docker.io/library/app:latest"}}, nil},
	} {
		before := readFile(t, file)
		_, err := ocicopy.Copy(t.Context(), c.images, ocicopy.DockerArchive{File: file}, ocicopy.Options{})
		if !errors.Is(err, c.want) || (readFile(t, file) == before) != (c.want != nil) {
			t.Errorf("%v: %v, and the archive has %d bytes", c.images, err, len(readFile(t, file)))
		}
	}
}
