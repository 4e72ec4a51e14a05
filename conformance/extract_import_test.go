package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestImported gives the flat tars to podman import, and compares what a mount of the image shows that it makes. The exceptions are
// what unpacking in a store does not keep (docs/FORMAT.md, "What the disk does not keep").
func TestImported(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("podman"); err != nil && !peers.Required(peers.Machine) {
		t.Skip("install podman: ", err)
	}
	found := newFindings(importExceptions)
	c, from := contentStore(t, "machine-contents")
	base := t.TempDir()
	to := &corpus.Store{Driver: "overlay", Base: base, GraphRoot: filepath.Join(base, "root"), RunRoot: filepath.Join(base, "run")}
	images := 0
	eachImage(t, c, from, func(name string, layers []*cstor.Layer) {
		if isContainer(layers) {
			return
		}
		x := look(t, c, name, layers)
		file := filepath.Join(base, "flat.tar")
		w, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = extract.Tar(t.Context(), layers, w, extract.TarOptions{})
		if err := errors.Join(err, w.Close()); err != nil {
			t.Errorf("%s: flat tar: %v", x, err)
			return
		}
		tree, by, err := imported(t.Context(), to, file)
		if err != nil {
			t.Errorf("%s: %v", x, err)
			return
		}
		x.by = by
		found.explain(t, x, contents.Differences(tree, x.tree))
		images++
	})
	found.end()
	found.conclude(t, 1)
	t.Logf("%d images", images)
	if images < 20 {
		t.Error("too few to say anything")
	}
}

// imported has podman import a tar into a store, and returns what a mount of the image shows.
func imported(ctx context.Context, s *corpus.Store, tar string) (tree contents.Tree, by string, err error) {
	conf := filepath.Join(s.Base, "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = %q\ngraphroot = %q\nrunroot = %q\n", s.Driver, s.GraphRoot, s.RunRoot)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	podman := exec.CommandContext(ctx, "podman", "--tmpdir", filepath.Join(s.Base, "tmp"), "import", "-q", tar)
	podman.Env = append(os.Environ(), "CONTAINERS_STORAGE_CONF="+conf, "HOME="+s.Base)
	var complaint bytes.Buffer
	podman.Stderr = &complaint
	id, err := podman.Output()
	if err != nil {
		return nil, "", fmt.Errorf("podman import: %w: %s", err, complaint.Bytes())
	}
	st, err := cstor.Open(ctx, s.GraphRoot, cstor.Options{})
	if err != nil {
		return nil, "", err
	}
	defer st.Close() // was only read
	i, err := st.Image(strings.TrimPrefix(strings.TrimSpace(string(id)), "sha256:"))
	if err != nil {
		return nil, "", err
	}
	layers, err := i.Layers()
	if err != nil {
		return nil, "", err
	}
	return contents.Mount(ctx, s, layers)
}

// importExceptions are some of those of TestMerged, and one that is about what the tar has.
var importExceptions = append(slices.DeleteFunc(slices.Clone(mergedExceptions), func(e exception) bool {
	return !slices.Contains([]string{"root directory", "devices 0:0", "SELinux labels", "times before 1970", "empty attributes"}, e.name)
}), exception{
	"directories without headers", "the tar has them as the disk does",
	func(x *looked, d contents.Difference) bool {
		n, ok := x.merged.Lookup(d.Path)
		return ok && n.Layer < 0 && isMetadata(d)
	},
})
