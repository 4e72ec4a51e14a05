package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/ondisk"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// TestLongList: more names than have room in one message.
func TestLongList(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n dir d\n", storetest.Options{})
	const files = 20_000
	for i := range files {
		name := fmt.Sprintf("%0200d", i)
		if err := os.WriteFile(filepath.Join(s.Layer("a").Diff, "d", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	direct, helped := both(t, s.Root, specOf(s.Layer("a"), storetest.Options{}))
	want, err := direct.ReadDir("d")
	if err != nil || len(want) != files {
		t.Fatal(len(want), err)
	}
	if got, err := helped.ReadDir("d"); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d names of %d, %v", len(got), len(want), err)
	}
	if diff := cmp.Diff(all(direct), all(helped)); diff != "" {
		t.Error(diff)
	}
}

// TestLargeNodes: attributes as large as a file may have them cross; what a table of
// contents makes of a node, and has no room, is an error.
func TestLargeNodes(t *testing.T) {
	t.Parallel()
	l := storetest.Layer{Name: "a"}
	sizes := []int{1, 64 << 10, 900 << 10, 3 << 20}
	for i, size := range sizes {
		e := storetest.File(fmt.Sprintf("f%d", i), 0o644, "content")
		e.PAXRecords = map[string]string{"SCHILY.xattr.user.k": strings.Repeat("x", min(size, 900<<10))}
		l.Entries = append(l.Entries, e)
	}
	opts := storetest.Options{Flat: true}
	s := storetest.Spec{Layers: []storetest.Layer{l}}.New(t, opts)
	// No tar has the last one.
	table := filepath.Join(s.Root, "overlay-layers", s.Layer("a").ID, ondisk.BigDataFile(driver.TableKey))
	var toc map[string]any
	if err := json.Unmarshal(s.Layer("a").TOC, &toc); err != nil {
		t.Fatal(err)
	}
	toc["entries"].([]any)[3].(map[string]any)["xattrs"] = map[string]string{"user.k": strings.Repeat("eHh4", 1<<20)}
	text, err := json.Marshal(toc)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(table, text, 0o600); err != nil {
		t.Fatal(err)
	}
	direct, helped := both(t, s.Root, specOf(s.Layer("a"), opts))
	for i := range 4 {
		name := fmt.Sprintf("f%d", i)
		want, err := direct.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := helped.Lstat(name)
		if i == 3 {
			if !errors.Is(err, beneath.ErrTooLarge) || errors.Is(err, ErrEnded) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	names := []string{"f0", "f1", "f2", "f3"}
	sizes = nil
	for len(names) > 0 {
		nodes, err := helped.(driver.NodesReader).LstatAll(".", names)
		if sizes = append(sizes, len(nodes)); err != nil {
			break
		}
		names = names[len(nodes):]
	}
	if want := []int{1, 1, 1, 0}; !slices.Equal(sizes, want) {
		t.Errorf("nodes in one answer: %v, want %v", sizes, want)
	}
}

// TestReadFiles: everything that fits, and what does not, in one call.
func TestReadFiles(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n dir d\n", storetest.Options{})
	var files []tarsplit.FileInto
	var want []string
	add := func(size int) {
		name := fmt.Sprintf("d/f%d", len(want))
		content := strings.Repeat(string(rune('a'+len(want)%26)), size)
		if err := os.WriteFile(filepath.Join(s.Layer("a").Diff, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		files, want = append(files, tarsplit.FileInto{Name: name, P: make([]byte, size)}), append(want, content)
	}
	for range 5000 {
		add(1)
	}
	for _, size := range []int{0, maxData, maxData + 1, 3 * maxData, 1, maxData - 1, 1, 1, 0, 70_000} {
		add(size)
	}
	_, helped := both(t, s.Root, specOf(s.Layer("a"), storetest.Options{}))
	reader := helped.(tarsplit.BatchReader)
	n, size, err := reader.ReadFiles(files)
	if n != len(files) || size != 0 || err != nil {
		t.Fatalf("%d of %d files, %d, %v", n, len(files), size, err)
	}
	for i, f := range files {
		if string(f.P) != want[i] {
			t.Errorf("%s: %d bytes are not what they should be", f.Name, len(f.P))
		}
	}
	for _, at := range []int{0, 1, 4999, 5001, 5003, len(files) - 1} {
		for _, c := range []struct {
			name string
			p    []byte
			size int64
			err  error
		}{
			{"d/nothing", make([]byte, 3), 0, fs.ErrNotExist},
			{"d", make([]byte, 3), 0, driver.ErrNotRegular},
			{"d/f5001", make([]byte, 5), maxData, nil},
			{"d/f0", make([]byte, 2*maxData), 1, nil},
			{strings.Repeat("x", memorySize), make([]byte, 1), 0, syscall.ENAMETOOLONG},
		} {
			some := slices.Clone(files)
			some[at] = tarsplit.FileInto{Name: c.name, P: c.p}
			n, size, err := reader.ReadFiles(some)
			if n != at || !errors.Is(err, c.err) || err == nil && size != c.size {
				t.Errorf("%.20q as file %d: %d files, %d, %v", c.name, at, n, size, err)
			}
		}
	}
}
