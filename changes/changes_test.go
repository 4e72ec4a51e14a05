package changes_test

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/changes"
	"github.com/cstor-go/cstor/internal/storetest"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// layersOf opens the container "c" of a store that was made.
func layersOf(tb testing.TB, made *storetest.Store) []*cstor.Layer {
	tb.Helper()
	s, err := cstor.Open(tb.Context(), made.Root, cstor.Options{Driver: made.Driver})
	check(tb, err)
	tb.Cleanup(func() { check(tb, s.Close()) })
	c, err := s.Container("c")
	check(tb, err)
	layers, err := c.Layers()
	check(tb, err)
	return layers
}

// told are the changes of layers.
func told(tb testing.TB, layers []*cstor.Layer, opts changes.Options) []string {
	tb.Helper()
	var all []string
	for c, err := range changes.Of(tb.Context(), layers, opts) {
		check(tb, err)
		all = append(all, c.String())
	}
	return all
}

// base is what all containers of the tests begin with.
const base = `
layer l0
  dir  etc 0755
  file etc/hosts 0644 ""
  file etc/issue 0644 "hello\n"
  file etc/motd 0644 "hello\n"
  dir  opt/app 0755
  file opt/app/x 0644 "x\n"
  symlink lib opt
layer l1 parent=l0
  whiteout etc/issue
  file srv/data 0644 "data\n"
image i layer=l1
layer c container parent=l1
`

// TestRules: one rule of the package comment each. Where whole trees are compared some answers are others.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, top, want, whole string }{
		{"nothing", "", "", ""},
		{"a new file", "dir etc 0755\nfile etc/new 0644 size=1", "C /etc; A /etc/new", ""},
		{"one that was there", "dir etc 0755\nfile etc/motd 0644 size=1", "C /etc/motd", "C /etc; C /etc/motd"},
		{"one that a layer below had deleted", "dir etc 0755\nfile etc/issue 0644 size=1", "C /etc; A /etc/issue", ""},
		{"a deleted one", "dir etc 0755\nwhiteout etc/motd", "C /etc; D /etc/motd", ""},
		{"a deleted directory", "whiteout opt", "D /opt", ""},
		{"a new directory", "dir new 0755\ndir new/in 0755\nfile new/in/f 0644 size=1", "A /new; A /new/in; A /new/in/f", ""},
		{"another mode", "dir etc 0700", "C /etc", ""},
		{"another time", "dir etc 0755 mtime=1", "C /etc", ""},
		{"another owner alone, which the reference does not see", "dir etc 0755 5:5", "", "C /etc"},
		{"several levels above", "dir opt 0755\ndir opt/app 0755\nfile opt/app/new 0644 size=1\nfile opt/app/x 0644 size=1", "C /opt; C /opt/app; A /opt/app/new; C /opt/app/x", ""},
		{"a directory whose own change is told before that of its parent", "dir opt 0755\ndir opt/app 0700\nfile opt/app/new 0644 size=1", "C /opt/app; C /opt; A /opt/app/new", "C /opt; C /opt/app; A /opt/app/new"},
		{"made anew", "dir opt 0755\ndir opt/app 0755\nopaque opt/app\nfile opt/app/x 0644 size=1\nfile opt/app/y 0644 size=1", "C /opt; D /opt/app; C /opt/app/x; A /opt/app/y", "C /opt; C /opt/app; C /opt/app/x; A /opt/app/y"},
		{"opaque, but new", "dir new 0755\nopaque new\nfile new/f 0644 size=1", "A /new; A /new/f", ""},
		{"a file in the place of a directory", "file opt 0644 size=1", "C /opt", ""},
		{"a directory in the place of a file", "dir etc 0755\ndir etc/motd 0755\nfile etc/motd/f 0644 size=1", "C /etc/motd; C /etc; A /etc/motd/f", "C /etc; C /etc/motd; A /etc/motd/f"},
		{"a directory in the place of a link, which is not followed", "dir lib 0755\nopaque lib\ndir lib/app 0755\nfile lib/app/x 0644 size=1", "D /lib; A /lib/app; A /lib/app/x", "C /lib; A /lib/app; A /lib/app/x"},
		{"a changed link", "symlink lib etc", "C /lib", ""},
		{"what an engine makes", "dir etc 0755\nfile etc/hosts 0644 size=1\ndir proc 0555\ndir run 0755\ndir run/x 0755", "A /run/x", "C /etc; A /run/x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for kind, text := range map[storetest.Whiteouts]string{"": c.want, storetest.WhiteoutsFiles: cmp.Or(c.whole, c.want)} {
				spec := base
				for line := range strings.Lines(c.top) {
					spec += "  " + strings.TrimSuffix(line, "\n") + "\n"
				}
				if strings.Contains(c.top, "symlink lib") {
					spec = strings.ReplaceAll(spec, "opaque lib\n", "")
				}
				layers := layersOf(t, storetest.New(t, spec+"container c image=i layer=c\n", storetest.Options{Whiteouts: kind}))
				if strings.Contains(c.top, " 5:5") && kind != "" && os.Getuid() != 0 {
					continue // nobody else can give files away
				}
				var want []string
				if text != "" {
					want = strings.Split(text, "; ")
				}
				if got := told(t, layers, changes.Options{}); !slices.Equal(got, want) {
					t.Errorf("%q: got %q, want %q", kind, got, want)
				}
			}
		})
	}
}

// TestAll: what engines make is told on request.
func TestAll(t *testing.T) {
	t.Parallel()
	layers := layersOf(t, storetest.New(t, base+"  dir etc 0755\n  file etc/hosts 0644 size=1\n  dir proc 0555\ncontainer c image=i layer=c\n", storetest.Options{}))
	if got := told(t, layers, changes.Options{All: true}); !slices.Equal(got, []string{"C /etc/hosts", "A /proc"}) {
		t.Errorf("%q", got)
	}
	if got := told(t, nil, changes.Options{}); got != nil {
		t.Errorf("of nothing: %q", got)
	}
	if got := told(t, layers[:1], changes.Options{}); !slices.Contains(got, "A /opt/app/x") || slices.ContainsFunc(got, func(c string) bool { return c[0] != 'A' }) {
		t.Errorf("of one layer: %q", got)
	}
}

// TestRenamed: with a redirect the trees are compared.
func TestRenamed(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, base+"  dir moved 0755\n  file moved/new 0644 size=1\n  whiteout opt\ncontainer c image=i layer=c\n", storetest.Options{Whiteouts: storetest.WhiteoutsUser})
	if err := unix.Setxattr(filepath.Join(made.Layer("c").Diff, "moved"), "user.overlay.redirect", []byte("/opt"), 0); err != nil {
		t.Skip("setxattr: ", err)
	}
	want := []string{"A /moved", "A /moved/app", "A /moved/app/x", "A /moved/new", "D /opt"}
	if got := told(t, layersOf(t, made), changes.Options{}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestStops: the iteration ends when nobody wants more, with the context, and with an error.
func TestStops(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"overlay", "vfs"} {
		made := storetest.New(t, base+"  file a 0644 size=1\n  file b 0644 size=1\n  file d 0644 size=1\ncontainer c image=i layer=c\n", storetest.Options{Driver: driver})
		layers := layersOf(t, made)
		n := 0
		for range changes.Of(t.Context(), layers, changes.Options{}) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%d", n)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		cause := errors.New("enough")
		var last error
		for _, err := range changes.Of(ctx, layers, changes.Options{}) {
			cancel(cause)
			last = err
		}
		if !errors.Is(last, cause) {
			t.Errorf("%s: %v", driver, last)
		}
	}
	made := storetest.New(t, base+"  dir etc 0755\ncontainer c image=i layer=c\n", storetest.Options{Whiteouts: storetest.WhiteoutsUser})
	layers := layersOf(t, made)
	if err := unix.Setxattr(filepath.Join(made.Layer("c").Diff, "etc"), "user.overlay.redirect", []byte("../../opt"), 0); err != nil {
		t.Skip("setxattr: ", err)
	}
	for _, err := range changes.Of(t.Context(), layers, changes.Options{}) {
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "etc") {
			t.Error(err)
		}
	}
}

// TestRunning reads a layer that is being written to.
func TestRunning(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, base+"  dir etc 0755\ncontainer c image=i layer=c\n", storetest.Options{})
	layers := layersOf(t, made)
	dir := filepath.Join(made.Layer("c").Diff, "etc")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
			_ = os.MkdirAll(filepath.Join(dir, "d/e/f"), 0o755)
			_ = os.WriteFile(filepath.Join(dir, "d/e/g"), nil, 0o600)
			_ = os.RemoveAll(filepath.Join(dir, "d"))
		}
	}()
	n := 0
	for ended := false; !ended; n++ {
		select {
		case <-done:
			ended = true
		default:
		}
		_ = told(t, layers, changes.Options{})
	}
	if got := told(t, layers, changes.Options{}); len(got) > 1 || n < 3 {
		t.Errorf("%q after %d times", got, n)
	}
}
