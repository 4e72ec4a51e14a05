package extract_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
)

// mounted makes a file system in a file and mounts it; size in MiB.
func mounted(t *testing.T, size int64, mkfs ...string) string {
	t.Helper()
	needRoot(t)
	program(t, mkfs[0])
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	check(t, os.WriteFile(image, nil, 0o600))
	check(t, os.Truncate(image, size<<20))
	if out, err := exec.Command(mkfs[0], append(mkfs[1:], image)...).CombinedOutput(); err != nil {
		t.Skipf("%v: %v: %s", mkfs, err, out)
	}
	options := []string{"-o", "loop", image, dir}
	if mkfs[0] == "mkfs.exfat" {
		options = append(options, "-t", "exfat-fuse")
	}
	if out, err := exec.Command("mount", options...).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// small mounts a tmpfs.
func small(t *testing.T, options string) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("mount: ", err)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// program skips the test where a program is missing, and fails it where all are required.
func program(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CSTOR_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs ", name)
	}
}

// shared counts the extents of a file, and those of them that other files have too.
func shared(t *testing.T, name string) (all, common int) {
	t.Helper()
	program(t, "filefrag")
	out, err := exec.Command("filefrag", "-v", name).CombinedOutput()
	if err != nil {
		t.Fatalf("filefrag: %v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 0 && strings.HasSuffix(fields[0], ":") && strings.Contains(line, "..") {
			all++
			if strings.Contains(line, "shared") {
				common++
			}
		}
	}
	return all, common
}

// TestReflink extracts on file systems that share blocks.
func TestReflink(t *testing.T) {
	t.Parallel()
	for name, mkfs := range map[string][]string{
		"xfs": {"mkfs.xfs", "-q", "-m", "reflink=1"}, "btrfs": {"mkfs.btrfs", "-q"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := mounted(t, 400, mkfs...)
			made, err := storetest.Build(filepath.Join(dir, "store"), stackSpec, storetest.Options{})
			check(t, err)
			layers := layersOf(t, made, "i")
			out := filepath.Join(dir, "always")
			report, err := extract.Dir(t.Context(), layers, out, extract.Options{Verify: true})
			check(t, err)
			compare(t, survey(t, out), want(t, layers))
			if report.Copied != 0 || report.Shared < 700_000 || len(report.Unverified) > 0 {
				t.Errorf("%+v", report)
			}
			unix.Sync()
			if all, common := shared(t, filepath.Join(out, "large")); all == 0 || common != all {
				t.Errorf("of %d extents %d are shared", all, common)
			}
			out = filepath.Join(dir, "never")
			report, err = extract.Dir(t.Context(), layers, out, extract.Options{Reflink: extract.ReflinkNever})
			check(t, err)
			compare(t, survey(t, out), want(t, layers))
			if report.Shared != 0 || report.Copied < 700_000 {
				t.Errorf("%+v", report)
			}
			unix.Sync()
			if all, common := shared(t, filepath.Join(out, "large")); all == 0 || common != 0 {
				t.Errorf("never: of %d extents %d are shared", all, common)
			}
		})
	}
}

// TestNoReflink: elsewhere it is an error that names the file systems.
func TestNoReflink(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, stackSpec)
	dir := filepath.Join(small(t, ""), "out")
	_, err := extract.Dir(t.Context(), layers, dir, extract.Options{})
	var entry *extract.EntryError
	if !errors.Is(err, extract.ErrNoReflink) || !errors.As(err, &entry) || !strings.Contains(err.Error(), "the destination on tmpfs") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there: %v", dir, err)
	}
}

// TestHoles: holes stay holes, whatever the content between them.
func TestHoles(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, "layer l\n  file f 0644 size=3000000\nimage i layer=l\n")
	in, err := layers[0].OpenFile("f")
	check(t, err)
	defer in.Close()
	name := "/proc/self/fd/" + itoa(int(in.Fd()))
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	check(t, err)
	check(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 1<<20, 1<<20))
	check(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 2900000&^4095, 200000))
	check(t, f.Close())
	for _, mode := range []extract.Reflink{extract.ReflinkAuto, extract.ReflinkNever} {
		dir := filepath.Join(t.TempDir(), "out")
		report, err := extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: mode, NoSameOwner: true})
		check(t, err)
		defer os.Chmod(dir, 0o700) // so that it can be removed
		var st unix.Stat_t
		check(t, unix.Stat(filepath.Join(dir, "f"), &st))
		if st.Size != 3000000 || st.Blocks*512 > 3000000-(1<<20)+8192 || report.Copied+report.Shared != st.Size {
			t.Errorf("%s: %d bytes in %d blocks, %+v", mode, st.Size, st.Blocks, report)
		}
		compare(t, map[string]file{"f": {sum: survey(t, dir)["f"].sum}}, map[string]file{"f": {sum: want(t, layers)["f"].sum}})
	}
}
