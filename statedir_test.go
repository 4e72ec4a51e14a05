package cstor_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestStateDirs: the graph root, or the run root of a transient store.
func TestStateDirs(t *testing.T) {
	t.Parallel()
	for _, transient := range []bool{false, true} {
		made := storetest.New(t, "container work\n", storetest.Options{Transient: transient, RunRoot: filepath.Join(t.TempDir(), "run")})
		s, err := cstor.Open(t.Context(), made.Root, cstor.Options{RunRoot: made.RunRoot, Transient: transient})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		want := made.Root
		if transient {
			want = made.RunRoot
		}
		dirs, err := s.StateDirs()
		if err != nil || len(dirs) != 1 || dirs[0].Path() != want || dirs[0].Store() != made.Root || dirs[0].User() != "" {
			t.Errorf("transient %v: got %+v, %v", transient, dirs, err)
		}
	}
	s, err := cstor.Open(t.Context(), storetest.New(t, "container work\n", storetest.Options{}).Root, cstor.Options{Transient: true})
	if err != nil {
		t.Fatal(err)
	}
	if dirs, err := s.StateDirs(); len(dirs) > 0 || err != nil {
		t.Errorf("of a transient store without run root: %+v, %v", dirs, err)
	}
	s.Close()
	if _, err := s.StateDirs(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("of a closed one: %v", err)
	}
}

// TestStateDirUse: one file is opened once, so that nobody's locks on it are lost, until
// another has its name; FIFOs and links are refused.
func TestStateDirUse(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, "container work\n", storetest.Options{})
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dirs, err := s.StateDirs()
	if err != nil {
		t.Fatal(err)
	}
	dir, file := dirs[0], filepath.Join(made.Root, "state")
	var last *os.File
	use := func() (fresh bool, text string, err error) {
		err = dir.Use("state", func(f *os.File) error {
			fresh = f != last
			last = f
			b := make([]byte, 8)
			n, _ := f.ReadAt(b, 0)
			text = string(b[:n])
			return nil
		})
		return fresh, text, err
	}
	if _, _, err := use(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	for _, text := range []string{"one", "two"} {
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			if fresh, got, err := use(); fresh != (n == 0) || got != text || err != nil {
				t.Errorf("use %d of %s: opened %v, %q, %v", n, text, fresh, got, err)
			}
		}
		if b, err := dir.ReadFile("state", 3); string(b) != text || err != nil {
			t.Errorf("ReadFile: %q, %v", b, err)
		}
	}
	if _, err := dir.ReadFile("state", 2); err == nil {
		t.Error("ReadFile goes over its limit")
	}
	wrong := errors.New("wrong")
	if err := dir.Use("state", func(*os.File) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("what the function says is lost: %v", err)
	}
	if err := errors.Join(os.Remove(file), unix.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := use(); err == nil {
		t.Error("a FIFO was opened")
	}
	if err := errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := use(); err == nil {
		t.Error("a link was followed")
	}
	s.Close()
	if _, _, err := use(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("of a closed one: %v", err)
	}
}
