package storetest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/storetest"
)

// look describes a file in one line: type and mode, owner, device or size or
// target, and the attributes that matter here.
func look(t *testing.T, path string) string {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "absent"
	}
	var text strings.Builder
	text.WriteString(fmt.Sprintf("%07o %d:%d", st.Mode, st.Uid, st.Gid))
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR, unix.S_IFBLK:
		text.WriteString(fmt.Sprintf(" dev %d,%d", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))))
	case unix.S_IFREG:
		text.WriteString(fmt.Sprintf(" size %d", st.Size))
	case unix.S_IFLNK:
		target, _ := os.Readlink(path)
		text.WriteString(" to " + target)
	}
	for _, attr := range []string{
		"trusted.overlay.opaque", "user.overlay.opaque", "user.k", "user.containers.override_stat",
	} {
		value := make([]byte, 100)
		if n, err := unix.Lgetxattr(path, attr, value); err == nil {
			text.WriteString(fmt.Sprintf(" %s=%s", attr, value[:n]))
		}
	}
	return text.String()
}

const treeSpec = `
layer base
  dir      ./ 0711
  dir      d 0750 1:2
  file     d/f 04755 1000:1000 "four"
  xattr    d/f user.k=v
  hardlink h d/f
  symlink  l /d
  file     l/through 0600 "x"
  char     null 0666 1 3
  fifo     p 0620
  file     implied/f 0644
layer app parent=base
  whiteout d/f
  opaque   d
  whiteout w
  file     w 0600
`

func checkTree(t *testing.T, s *storetest.Store, layer string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got := look(t, filepath.Join(s.Layer(layer).Diff, name)); got != text {
			t.Errorf("layer %q: %s: %s, want %s", layer, name, got, text)
		}
	}
}

func TestTreeAsRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root for owners, devices and trusted attributes")
	}
	s := storetest.New(t, treeSpec, storetest.Options{Whiteouts: storetest.WhiteoutsTrusted})
	checkTree(t, s, "base", map[string]string{
		".":         "0040711 0:0",
		"d":         "0040750 1:2",
		"d/f":       "0104755 1000:1000 size 4 user.k=v",
		"h":         "0104755 1000:1000 size 4 user.k=v",
		"l":         "0120777 0:0 to /d",
		"d/through": "0100600 0:0 size 1",
		"null":      "0020666 0:0 dev 1,3",
		"p":         "0010620 0:0",
		"implied":   "0040755 0:0",
	})
	checkTree(t, s, "app", map[string]string{
		".":   "0040711 0:0", // as the layer below
		"d":   "0040755 0:0 trusted.overlay.opaque=y",
		"d/f": "0020000 0:0 dev 0,0",
		"w":   "0100600 0:0 size 0",
	})
}

func TestTreeAsUser(t *testing.T) {
	t.Parallel()
	storetest.AsUser(t, func(t *testing.T) {
		s := storetest.New(t, treeSpec, storetest.Options{})
		me := fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
		checkTree(t, s, "base", map[string]string{
			".":    "0040711 " + me,
			"d":    "0040750 " + me,
			"d/f":  "0104755 " + me + " size 4 user.k=v",
			"null": "absent",
			"p":    "0010620 " + me,
		})
		opaque, err := os.ReadFile(filepath.Join(s.Root, "overlay", ".has-mount-program"))
		switch {
		case err != nil:
			t.Fatal(err)
		case string(opaque) == "true":
			t.Skip("this file system or kernel refuses whiteout devices or user attributes")
		}
		checkTree(t, s, "app", map[string]string{
			"d":   "0040755 " + me + " user.overlay.opaque=y",
			"d/f": "0020000 " + me + " dev 0,0",
		})
	})
}

func TestTreeForms(t *testing.T) {
	t.Parallel()
	files := storetest.New(t, treeSpec, storetest.Options{Whiteouts: storetest.WhiteoutsFiles})
	for _, name := range []string{"d/.wh.f", "d/.wh..wh..opq", ".wh.w", "w"} {
		if _, err := os.Lstat(filepath.Join(files.Layer("app").Diff, name)); err != nil {
			t.Error(err)
		}
	}
	vfs := storetest.New(t, treeSpec, storetest.Options{Driver: "vfs"})
	checkTree(t, vfs, "app", map[string]string{"d/f": "absent", "d/through": "absent"})
	if got := look(t, filepath.Join(vfs.Layer("app").Diff, "h")); !strings.Contains(got, "size 4") {
		t.Errorf("vfs: h of the base layer: %s", got)
	}
	if os.Geteuid() != 0 {
		return
	}
	masked := storetest.New(t, treeSpec, storetest.Options{ForceMask: 0o755})
	checkTree(t, masked, "base", map[string]string{
		".":    "0040755 0:0 user.containers.override_stat=0:0:0711:dir",
		"d/f":  "0100755 0:0 size 4 user.k=v user.containers.override_stat=1000:1000:4755:file",
		"null": "0100755 0:0 size 0 user.containers.override_stat=0:0:0666:char-1-3",
		"p":    "0100755 0:0 size 0 user.containers.override_stat=0:0:0620:pipe",
	})
}

func TestOverlayFiles(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\nfile a\nlayer b parent=a\nfile b\nlayer c parent=b\nfile c\nlayer m mapped=b\nlayer n parent=m\nfile n",
		storetest.Options{})
	link := func(n string) string { return "l/" + s.Layer(n).Link }
	for name, below := range map[string][]string{"a": nil, "b": {"a"}, "c": {"b", "a"}, "m": {"b", "a"}, "n": {"m", "b", "a"}} {
		l := s.Layer(name)
		var links, ids []string
		for _, b := range below {
			links, ids = append(links, link(b)), append(ids, s.Layer(b).ID)
		}
		for file, want := range map[string]string{
			"link": l.Link, "lower": strings.Join(links, ":"), "lower-layers": strings.Join(ids, ":"),
		} {
			got, _ := os.ReadFile(filepath.Join(l.Dir, file))
			if string(got) != want {
				t.Errorf("layer %q: %s is %q, want %q", name, file, got, want)
			}
		}
		if target, err := os.Readlink(filepath.Join(s.Root, "overlay", link(name))); target != "../"+l.ID+"/diff" {
			t.Errorf("layer %q: link to %q, %v", name, target, err)
		}
	}
	m := s.Layer("m")
	if m.Parent != s.Layer("a").ID {
		t.Errorf("mapped layer has parent %q", m.Parent)
	}
	for _, name := range []string{"diff1/a", "diff1/b"} {
		got := look(t, filepath.Join(m.Dir, name))
		if got == "absent" || os.Geteuid() == 0 && got != "0100644 100000:100000 size 0" {
			t.Errorf("mapped layer: %s: %s", name, got)
		}
	}
}

func TestFlat(t *testing.T) {
	t.Parallel()
	content := string(storetest.Random(100_000, 1))
	spec := storetest.Spec{
		Layers: []storetest.Layer{{Name: "a", Flat: true, ByTOC: true, Entries: []storetest.Entry{
			storetest.Dir("d", 0o755), storetest.File("d/f", 0o644, content), storetest.Whiteout("gone"),
		}}},
		Images: []storetest.Image{{Names: []string{"i"}, Layer: "a"}},
	}
	s := spec.New(t, storetest.Options{})
	l := s.Layer("a")
	record := readRecords(t, l.Record)[l.ID]
	if record["toc-digest"] != storetest.Digest(l.TOC) || record["diff-digest"] != nil {
		t.Errorf("record: %v", record)
	}
	if s.Image("i").ID == storetest.Digest(s.Image("i").Config)[len("sha256:"):] {
		t.Error("image id is the config's digest")
	}
	var toc struct {
		Entries []struct{ Type, Name, Digest string }
	}
	if err := json.Unmarshal(l.TOC, &toc); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range toc.Entries {
		kinds = append(kinds, e.Type+" "+e.Name)
	}
	if diff := cmp.Diff([]string{"dir d/", "reg d/f", "chunk d/f", "reg .wh.gone"}, kinds); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{content, ""} {
		object := filepath.Join(l.Diff, storetest.ObjectName([]byte(text)))
		if info, err := os.Lstat(object); err != nil || info.Size() != int64(len(text)) || info.Mode()&fs.ModeType != 0 {
			t.Errorf("object of %d bytes: %v, %v", len(text), info, err)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, `
layer a
  dir     d mtime=1000
  file    d/new mtime=2001-02-03T04:05:06.789Z
  symlink d/link new mtime=2000
  file    d/old mtime=-5
  file    implied/f
`, storetest.Options{})
	for name, want := range map[string]time.Time{
		".":         storetest.DefaultTime,
		"d":         time.Unix(1000, 0),
		"d/new":     time.Date(2001, 2, 3, 4, 5, 6, 789e6, time.UTC),
		"d/link":    time.Unix(2000, 0),
		"d/old":     time.Unix(0, 0),
		"implied":   storetest.DefaultTime,
		"implied/f": storetest.DefaultTime,
	} {
		info, err := os.Lstat(filepath.Join(s.Layer("a").Diff, name))
		if err != nil || !info.ModTime().Equal(want) {
			t.Errorf("%s: %v, %v, want %v", name, info.ModTime(), err, want)
		}
	}
}
