package merge

import (
	"archive/tar"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/tarsplit"
)

// parts of names, such that few bytes make names that meet.
var parts = []string{"a", "b", "c", "d", "a", "b", "..", ".", "", ".wh.a", ".wh.b", ".wh..wh..opq", ".wh.c", ".wh.", ".wh..wh.plnk", "\xff", "/"}

// fuzzName takes a name from the front of data.
func fuzzName(data []byte) (string, []byte) {
	if len(data) == 0 {
		return "a", nil
	}
	n := int(data[0]) % 5
	data = data[1:]
	n = min(n, len(data))
	var name []string
	for _, b := range data[:n] {
		name = append(name, parts[int(b)%len(parts)])
	}
	return strings.Join(name, "/"), data[n:]
}

// fuzzStack makes layers of any bytes.
func fuzzStack(data []byte) [][]*tarsplit.Entry {
	layers := [][]*tarsplit.Entry{nil}
	kinds := "00005555121112137S6x"
	for len(data) > 0 {
		b := int(data[0])
		data = data[1:]
		last := len(layers) - 1
		if b >= 240 && last < 6 {
			layers = append(layers, nil)
			continue
		}
		e := &tarsplit.Entry{Type: kinds[b%len(kinds)], Header: int64(last)<<20 + int64(len(layers[last]))}
		e.Content = e.Header + int64(b)
		e.Name, data = fuzzName(data)
		switch e.Type {
		case tar.TypeLink, tar.TypeSymlink:
			if e.Linkname, data = fuzzName(data); e.Type == tar.TypeLink && b&3 != 0 { // to something, more likely
				all := slices.Concat(layers...)
				if i := b>>2 + len(data); len(all) > 0 {
					e.Linkname = all[i%len(all)].Name
				}
			}
		case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
			if e.Size = int64(b % 3); e.Size > 0 {
				e.File = e.Name
			}
		}
		layers[last] = append(layers[last], e)
	}
	return layers
}

// notation writes layers in a form for readers.
func notation(layers [][]*tarsplit.Entry) string {
	var b strings.Builder
	for i, entries := range layers {
		fmt.Fprintf(&b, "layer %d\n", i)
		for _, e := range entries {
			fmt.Fprintf(&b, "\t%c %q %q\n", e.Type, e.Name, e.Linkname)
		}
	}
	return b.String()
}

var causes = []error{syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EISDIR, ErrTarget, ErrLimit, errors.ErrUnsupported}

// FuzzBuild: Build and the model agree about any layers, about errors too; Lookup and Below
// agree with All.
func FuzzBuild(f *testing.F) {
	for _, seed := range []string{
		"", "\x00\x01\x00", "\x04\x01\x00\x00\x02\x00\x01\xf0\x00\x01\x09", "\x00\x02\x00\x01\xf0\x00\x02\x00\x0b\xf0\x00\x02\x00\x02",
		"\x08\x01\x00\x01\x01\x00\x02\x00\x01", "\x09\x01\x00\x01\x01\xf0\x09\x01\x01\x01\x00", "\x00\x02\x00\x01\xf0\x00\x02\x00\x09\x00\x01\x09",
		"\x00\x01\x00\xf0\x08\x01\x01\x01\x00\x00\x01\x09\xf1\x08\x01\x02\x01\x01", "\x09\x01\x00\x02\x06\x01\x00\x03\x00\x02\x03",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= 400 { // the model is slow
			agree(t, fuzzStack(data))
		}
	})
}

// TestModel: Build and the model agree about layers by chance, and about what is left of
// them without the entries that were errors.
func TestModel(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	nodes, links := 0, 0
	for range 1500 {
		data := make([]byte, random.IntN(300))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		layers := fuzzStack(data)
		bad := agree(t, layers)
		for bad != nil && !t.Failed() {
			layers[bad.Layer] = slices.DeleteFunc(layers[bad.Layer], func(e *tarsplit.Entry) bool { return e.Name == bad.Name })
			bad = agree(t, layers)
		}
		if t.Failed() {
			return
		}
		tree, err := Build(t.Context(), sequences(layers), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range tree.All() {
			nodes++
			if n.Link != "" {
				links++
			}
		}
	}
	if nodes < 5000 || links < 30 {
		t.Errorf("only %d nodes and %d hard links", nodes, links)
	}
}

// agree holds Build against the model, and returns the error of both.
func agree(t *testing.T, layers [][]*tarsplit.Entry) *EntryError {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(notation(layers))
		}
	}()
	want, wantErr := model(layers)
	tree, err := Build(t.Context(), sequences(layers), Options{})
	if err != nil || wantErr != nil {
		var a, b *EntryError
		if !errors.As(err, &a) || !errors.As(wantErr, &b) || a.Layer != b.Layer || a.Name != b.Name {
			t.Errorf("%v, but the model: %v", err, wantErr)
			return nil
		}
		for _, cause := range causes {
			if errors.Is(err, cause) != errors.Is(wantErr, cause) {
				t.Errorf("%v, but the model: %v", err, wantErr)
			}
		}
		return a
	}
	got := slices.Collect(tree.All())
	clearTimes(t, got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the model says otherwise:\n%s", d)
	}
	consistent(t, tree, got)
	return nil
}

// clearTimes checks and forgets times, which the model does not have.
func clearTimes(t *testing.T, nodes []Node) {
	t.Helper()
	for _, n := range nodes {
		if want := (time.Time{}); n.Layer >= 0 && n.Entry.ModTime != want || n.Layer < 0 && n.Entry.ModTime.Unix() != 0 {
			t.Fatalf("%v: %v", n, n.Entry.ModTime)
		}
		n.Entry.ModTime = time.Time{}
	}
}

// consistent holds Len, Lookup and Below against All.
func consistent(t *testing.T, tree *Tree, all []Node) {
	t.Helper()
	if tree.Len() != len(all) {
		t.Errorf("%d nodes, Len %d", len(all), tree.Len())
	}
	below := map[string][]string{}
	for _, n := range all {
		if dir, base := splitBase(n.Path); base != "." {
			below[dir] = append(below[dir], n.Path)
		}
	}
	for _, n := range all {
		for _, name := range []string{n.Path, "/" + n.Path, "./" + n.Path + "/", "x/..//" + n.Path} {
			if found, ok := tree.Lookup(name); !ok || found.String() != n.String() || found.Entry.Name != n.Entry.Name {
				t.Fatalf("%q: %v, %t, want %v", name, found, ok, n)
			}
		}
		if found, ok := tree.Lookup(n.Path + "/nothing"); ok {
			t.Fatalf("%v", found)
		}
		dir, _ := clean(n.Path)
		var got []string
		for child := range tree.Below(n.Path) {
			got = append(got, child.Path)
		}
		if !slices.Equal(got, below[dir]) {
			t.Fatalf("below %q: %q, want %q", n.Path, got, below[dir])
		}
	}
}
