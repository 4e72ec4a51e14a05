package extract_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

// stacked is a random spec of an image "i" with some layers, that any tool would unpack.
// All directories have headers: of those that have none, the kernel shows what the
// unpacking left.
func stacked(r *rand.Rand) string {
	var spec strings.Builder
	layers := 1 + r.IntN(4)
	for n := range layers {
		fmt.Fprintf(&spec, "layer l%d", n)
		if n > 0 {
			fmt.Fprintf(&spec, " parent=l%d", n-1)
		}
		spec.WriteString("\n")
		entries(r, &spec, n)
	}
	fmt.Fprintf(&spec, "image i layer=l%d\n", layers-1)
	return spec.String()
}

// entries are those of a layer.
func entries(r *rand.Rand, spec *strings.Builder, layer int) {
	used, files := map[string]string{".": "dir"}, []string(nil)
	meta := func() string {
		return fmt.Sprintf("%d:%d mtime=%d", r.IntN(3)*1000, r.IntN(2)*100, 1_600_000_000+r.IntN(1000))
	}
	mode := func() string { return []string{"0644", "0755", "04755", "02711", "0600", "0000", "01777"}[r.IntN(7)] }
	var dir func(name string) bool
	dir = func(name string) bool {
		if kind, ok := used[name]; ok {
			return kind == "dir"
		}
		if !dir(path.Dir(name)) {
			return false
		}
		used[name] = "dir"
		fmt.Fprintf(spec, "  dir %s %s %s\n", name, mode(), meta())
		if r.IntN(6) == 0 && layer > 0 {
			fmt.Fprintf(spec, "  opaque %s\n", name)
		}
		if r.IntN(6) == 0 {
			fmt.Fprintf(spec, "  xattr %s user.layer=%d\n", name, layer)
		}
		return true
	}
	for range 4 + r.IntN(20) {
		var parts []string
		for range 1 + r.IntN(3) {
			parts = append(parts, string("abcd"[r.IntN(4)]))
		}
		name := path.Join(parts...)
		if used[name] != "" && used[name] != "gone" || !dir(path.Dir(name)) {
			continue
		}
		switch kind := r.IntN(12); {
		case kind < 2 && layer > 0 && used[name] == "":
			used[name] = "gone"
			fmt.Fprintf(spec, "  whiteout %s\n", name)
			continue
		case kind < 4:
			dir(name)
			continue
		case kind == 4:
			fmt.Fprintf(spec, "  symlink %s %s %s\n", name, []string{"a", "/b", "../../c", "nothing"}[r.IntN(4)], meta())
		case kind == 5:
			fmt.Fprintf(spec, "  fifo %s %s %s\n", name, mode(), meta())
		case kind == 6:
			fmt.Fprintf(spec, "  char %s %s %d 7 %s\n", name, mode(), 1+r.IntN(5), meta())
		case kind == 7 && len(files) > 0:
			fmt.Fprintf(spec, "  hardlink %s %s\n", name, files[r.IntN(len(files))])
		default:
			fmt.Fprintf(spec, "  file %s %s %s size=%d seed=%d\n", name, mode(), meta(), r.IntN(3)*r.IntN(9000), r.IntN(9))
			if r.IntN(5) == 0 {
				fmt.Fprintf(spec, "  xattr %s user.layer=%d security.capability=\"\\x01\\x00\\x00\\x02\\x00\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"\n", name, layer)
			} else { // a link, when it is unpacked, gets an owner, and the file loses its capabilities
				files = append(files, name)
			}
		}
		used[name] = "file"
	}
}

// TestKernel compares what is extracted of random stacks with what the kernel's overlay
// shows of the same layers, on several file systems.
func TestKernel(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for name, on := range map[string]struct {
		runs uint64
		opts extract.Options
		mkfs []string
	}{
		"here":  {60, copying, nil},
		"ext4":  {15, copying, []string{"mkfs.ext4", "-q"}},
		"xfs":   {15, extract.Options{}, []string{"mkfs.xfs", "-q", "-m", "reflink=1"}},
		"btrfs": {15, extract.Options{}, []string{"mkfs.btrfs", "-q"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := t.TempDir()
			if on.mkfs != nil {
				at = mounted(t, 400, on.mkfs...)
			}
			if testing.Short() {
				on.runs = 5
			}
			for seed := range on.runs {
				sameAsKernel(t, filepath.Join(at, itoa(int(seed))), seed, on.opts)
			}
		})
	}
}

// sameAsKernel compares for one stack, of which all lies in a directory that it makes.
func sameAsKernel(t *testing.T, dir string, seed uint64, opts extract.Options) {
	t.Helper()
	spec := stacked(rand.New(rand.NewPCG(seed, 7)))
	bottom, mount, out := filepath.Join(dir, "bottom"), filepath.Join(dir, "mount"), filepath.Join(dir, "out")
	for _, name := range []string{dir, bottom, mount} {
		check(t, os.Mkdir(name, 0o700))
	}
	made, err := storetest.Build(filepath.Join(dir, "store"), spec, storetest.Options{Whiteouts: storetest.WhiteoutsTrusted})
	check(t, err)
	layers := layersOf(t, made, "i")
	var lowers []string
	for _, l := range slices.Backward(layers) {
		lowers = append(lowers, filepath.Join(made.Root, "overlay", l.ID(), "diff"))
	}
	lowers = append(lowers, bottom) // the kernel wants two
	if err := unix.Mount("overlay", mount, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(lowers, ":")); err != nil {
		t.Skip("mount: ", err)
	}
	defer func() { check(t, unix.Unmount(mount, unix.MNT_DETACH)) }()
	report, err := extract.Dir(t.Context(), layers, out, opts)
	if err != nil || report.Lost.Any() || opts.Reflink == "" && report.Copied > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	compare(t, survey(t, out), survey(t, mount))
	if t.Failed() {
		t.Fatalf("seed %d:\n%s", seed, spec)
	}
}
