package extract_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/extract"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestDestination: what may not be written to is left as it is.
func TestDestination(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, "layer l\n  file f 0644 \"f\"\nimage i layer=l\n", storetest.Options{})
	layers := layersOf(t, made, "i")
	before := survey(t, made.Root)
	dir := t.TempDir()
	mk := func(name string) string { return filepath.Join(dir, name) }
	check(t, os.MkdirAll(mk("full/x"), 0o755))
	check(t, os.Mkdir(mk("empty"), 0o755))
	check(t, os.WriteFile(mk("file"), nil, 0o644))
	check(t, os.Symlink("empty", mk("link")))
	check(t, os.Symlink(made.Root, mk("store")))
	for name, c := range map[string]struct {
		dir  string
		want error
	}{
		"no name":             {"", fs.ErrInvalid},
		"not empty":           {mk("full"), extract.ErrDestination},
		"file":                {mk("file"), extract.ErrDestination},
		"link":                {mk("link"), extract.ErrDestination},
		"link with slash":     {mk("link") + "/", extract.ErrDestination},
		"dangling parent":     {mk("nothing/out"), fs.ErrNotExist},
		"below a file":        {mk("file/out"), unix.ENOTDIR},
		"the store":           {made.Root, extract.ErrInStore},
		"in the store":        {filepath.Join(made.Root, "out"), extract.ErrInStore},
		"deep in the store":   {filepath.Join(made.Root, "overlay", "out"), extract.ErrInStore},
		"through a link":      {mk("store/overlay/l/out"), extract.ErrInStore},
		"name of 256 letters": {mk(strings.Repeat("n", 256)), unix.ENAMETOOLONG},
	} {
		_, err := extract.Dir(t.Context(), layers, c.dir, extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	compare(t, survey(t, made.Root), before)
	if left, err := os.ReadDir(mk("empty")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestDestinationAsItWas: after an error, a directory that was there is as it was.
func TestDestinationAsItWas(t *testing.T) {
	t.Parallel()
	needRoot(t)
	layers := stackOf(t, "layer l\n  file f 0644 \"12345\"\nimage i layer=l\nbreak remove l f\n")
	for name, at := range map[string]string{"damage": t.TempDir(), "no inodes": small(t, "nr_inodes=2")} {
		dir := filepath.Join(at, "out")
		check(t, os.Mkdir(dir, 0o700))
		check(t, os.Lchown(dir, 7, 8))
		for _, key := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
			if err := unix.Setxattr(dir, key, []byte(accessList(7, 9)), 0); err != nil {
				t.Skip(key, ": ", err)
			}
		}
		check(t, os.Chmod(dir, 0o775|os.ModeSetgid))
		before := survey(t, dir)
		if _, err := extract.Dir(t.Context(), layers, dir, copying); !errors.Is(err, tarsplit.ErrMissing) && !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%s: error %v", name, err)
		}
		after := survey(t, dir)
		for _, tree := range []map[string]file{before, after} {
			root := tree["."]
			root.time = time.Time{} // something has been in it
			tree["."] = root
		}
		compare(t, after, before)
	}
}

// TestBadOptions: options that contradict each other make nothing.
func TestBadOptions(t *testing.T) {
	t.Parallel()
	layers := stackOf(t, stackSpec)
	one := []cstor.IDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
	half := int64(1) << 31 // of the ids; where int has 32 bits it is less than none
	for name, c := range map[string]struct {
		opts extract.Options
		want error
	}{
		"reflink":            {extract.Options{Reflink: "perhaps"}, fs.ErrInvalid},
		"parallel":           {extract.Options{Parallel: -1}, fs.ErrInvalid},
		"whiteouts":          {extract.Options{Whiteouts: "none"}, fs.ErrInvalid},
		"whiteouts of many":  {extract.Options{Whiteouts: extract.WhiteoutsFiles}, fs.ErrInvalid},
		"map without owners": {extract.Options{NoSameOwner: true, GIDMap: one}, fs.ErrInvalid},
		"empty range":        {extract.Options{UIDMap: []cstor.IDMap{{}}}, unix.EINVAL},
		"great range":        {extract.Options{UIDMap: []cstor.IDMap{{HostID: int(half), Size: int(half)}}}, unix.EINVAL},
		"no such path":       {extract.Options{Path: "usr/share"}, fs.ErrNotExist},
		"path of a file":     {extract.Options{Path: "etc/passwd"}, unix.ENOTDIR},
		"unmapped":           {extract.Options{Reflink: extract.ReflinkAuto, UIDMap: one, GIDMap: one}, extract.ErrUnmapped},
	} {
		if name == "unmapped" && os.Geteuid() != 0 {
			continue
		}
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := extract.Dir(t.Context(), layers, dir, c.opts); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %s is there: %v", name, dir, err)
		}
	}
}

// TestBadEntries: an error names the entry, and nothing is left.
func TestBadEntries(t *testing.T) {
	t.Parallel()
	const plain = "image i layer=l\n"
	for name, c := range map[string]struct {
		spec  string
		place func(t *testing.T) string // makes the directory in which it is extracted
		entry string
		want  error
	}{
		"shortened":     {"layer l\n  file a/f 0644 \"12345\"\n" + plain + "break replace l a/f \"123\"\n", nil, "a/f", tarsplit.ErrSize},
		"removed":       {"layer l\n  file a/f 0644 \"12345\"\n" + plain + "break remove l a/f\n", nil, "a/f", tarsplit.ErrMissing},
		"a FIFO":        {"layer l\n  file a/f 0644 \"12345\"\n" + plain + "break fifo l a/f\n", nil, "a/f", driver.ErrNotRegular},
		"a link":        {"layer l\n  file a/f 0644 \"12345\"\n" + plain + "break link l a/f /etc/passwd\n", nil, "a/f", driver.ErrNotRegular},
		"no room":       {"layer l\n  file a/f 0644 size=3000000\n" + plain, func(t *testing.T) string { return small(t, "size=1m") }, "a/f", unix.ENOSPC},
		"no inodes":     {"layer l\n  file a/1 0644\n  file a/2 0644\n  file a/3 0644\n  file a/4 0644\n  file a/5 0644\n" + plain, func(t *testing.T) string { return small(t, "nr_inodes=6") }, "", unix.ENOSPC},
		"no owners":     {"layer l\n  file a/f 0644 7:8 \"1\"\n" + plain, poor, "a/f", unix.EPERM},
		"no attributes": {"layer l\n  file a/f 0644 0:0 \"1\"\n  xattr a/f user.k=v\n" + plain, poor, "a/f", unix.EOPNOTSUPP},
		"no devices":    {"layer l\n  char a/f 0644 1 3\n" + plain, poor, "a/f", unix.EIO},
		"no links":      {"layer l\n  symlink a/f g\n" + plain, poor, "a/f", unix.ENOSYS},
		"no hard links": {"layer l\n  file a/e 0755 \"1\"\n  hardlink a/f a/e\n" + plain, poor, "a/f", unix.EPERM},
		"case":          {"layer l\n  file a/readme 0755 \"1\"\n  file a/README 0755 \"2\"\n" + plain, poor, "", extract.ErrTaken},
		"case of dirs":  {"layer l\n  dir a/x 0755\n  dir a/X 0755\n" + plain, poor, "", extract.ErrTaken},
		"odd name":      {"layer l\n  file \"a/\\xff\" 0755\n" + plain, poor, "a/\xff", unix.EILSEQ},
		"long link":     {"layer l\n  symlink a/f " + strings.Repeat("x", 1024) + "\n" + plain, xfs, "a/f", unix.ENAMETOOLONG},
		"folded case":   {"layer l\n  file a/f 0755\n  file a/F 0755\n" + plain, folding, "", extract.ErrTaken},
		"normalised":    {"layer l\n  file \"a/\u00e9\" 0755\n  file \"a/e\u0301\" 0755\n" + plain, folding, "", extract.ErrTaken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layers := stackOf(t, c.spec)
			at := t.TempDir()
			if c.place != nil {
				at = c.place(t)
			}
			dir := filepath.Join(at, "out")
			_, err := extract.Dir(t.Context(), layers, dir, copying)
			var entry *extract.EntryError
			if !errors.Is(err, c.want) || !errors.As(err, &entry) || c.entry != "" && entry.Name != c.entry {
				t.Errorf("error %v", err)
			}
			root, _ := layers[0].Store()
			begin := "store " + root + ": layer " + layers[0].ID() + ": entry "
			if err != nil && (!strings.HasPrefix(err.Error(), begin) || strings.Count(err.Error(), "store "+root) > 1) {
				t.Errorf("%v does not name the store, or does it twice", err)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v matches fs.ErrNotExist", err)
			}
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there: %v", dir, err)
			}
			_, err = extract.Dir(t.Context(), layers, dir, extract.Options{Reflink: extract.ReflinkAuto, KeepPartial: true})
			if _, statErr := os.Stat(dir); err == nil || statErr != nil {
				t.Errorf("kept: %v, %v", err, statErr)
			}
		})
	}
}

// poor mounts a file system that has neither owners, attributes, links nor devices, and
// takes names of other case for the same: exFAT, as the program exfat-fuse has it.
func poor(t *testing.T) string {
	t.Helper()
	needRoot(t)
	program(t, "mount.exfat-fuse")
	return mounted(t, 40, "mkfs.exfat")
}

// xfs mounts a file system that takes no links of more than 1023 bytes.
func xfs(t *testing.T) string {
	t.Helper()
	return mounted(t, 400, "mkfs.xfs", "-q")
}

// folding is a directory in which names of other case, or other forms of letters, are
// the same.
func folding(t *testing.T) string {
	dir := filepath.Join(mounted(t, 40, "mkfs.ext4", "-q", "-O", "casefold"), "folding")
	check(t, os.Mkdir(dir, 0o755))
	if out, err := exec.Command("chattr", "+F", dir).CombinedOutput(); err != nil {
		t.Skipf("chattr: %v: %s", err, out)
	}
	return dir
}

// TestHostile: nothing outside of the destination is touched.
func TestHostile(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	check(t, os.WriteFile(filepath.Join(outside, "f"), []byte("mine"), 0o600))
	before := survey(t, outside)
	for name, spec := range map[string]string{
		"link, then through it":    "layer b\n  symlink a @\nlayer l parent=b\n  file a/f 0644 \"x\"\n",
		"link replaces directory":  "layer b\n  dir a 0755\n  file a/f 0644 \"x\"\nlayer l parent=b\n  symlink a @\n",
		"file through own link":    "layer l\n  symlink a @\n  file a/f 0644 \"x\"\n",
		"links upwards":            "layer l\n  symlink a ../../../../../../../../..@\n  file a/f 0644 \"x\"\n",
		"dots":                     "layer l\n  file ../../../../../../..@/f 0644 \"x\"\n",
		"absolute":                 "layer l\n  file @/f 0644 \"x\"\n",
		"hard link to a link":      "layer l\n  symlink a @/f\n  hardlink b a\n  file b 0777 \"x\"\n",
		"link, directory, file":    "layer b\n  symlink a @\nlayer l parent=b\n  dir a 0777\n  file a/f 0644 \"x\"\n",
		"file becomes directory":   "layer b\n  file a 0644 \"x\"\nlayer l parent=b\n  file a/f 0644 \"x\"\n",
		"link by way of hard link": "layer b\n  symlink a @\n  hardlink c a\nlayer l parent=b\n  file c/f 0777 \"x\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layers := stackOf(t, strings.ReplaceAll(spec, "@", outside)+"image i layer=l\n")
			dir := filepath.Join(t.TempDir(), "out")
			opts := extract.Options{Reflink: extract.ReflinkAuto, NoSameOwner: true}
			_, err := extract.Dir(t.Context(), layers, dir, opts)
			check(t, err)
			defer os.Chmod(dir, 0o700) // so that it can be removed
			if os.Geteuid() == 0 {
				compare(t, survey(t, dir), want(t, layers))
			}
			compare(t, survey(t, outside), before)
		})
	}
}
