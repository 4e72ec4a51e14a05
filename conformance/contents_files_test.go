package conformance

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/fixture"
)

// TestImageFS compares, for every image of every store, what [fs.WalkDir] finds in the view of package imagefs with what a mount
// of the same layers shows. Both show what is on disk, so that there is less to explain than of headers.
func TestImageFS(t *testing.T) {
	needRoot(t)
	found := newFindings(filesExceptions)
	t.Run("stores", func(t *testing.T) {
		for _, c := range contentStores {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				s := built(t, c)
				images, paths := 0, 0
				eachImage(t, c, s, func(name string, layers []*cstor.Layer) {
					m := mounted(t, c, s, name, layers)
					fsys, err := imagefs.New(layers, imagefs.Options{})
					if err != nil {
						t.Fatal(err)
					}
					tree, err := contents.OfFiles(fsys)
					if err != nil {
						t.Errorf("%s, %s: %v", c.Name, name, err)
						return
					}
					images, paths = images+1, paths+len(tree)
					if differences := contents.Differences(asSeen(t, c, name, m.tree), tree); len(differences) > 0 {
						x := look(t, c, name, layers)
						x.by = m.by
						found.explain(t, x, differences)
					}
				})
				found.end()
				t.Logf("%d images and containers, %d paths", images, paths)
			})
		}
	})
	found.conclude(t, len(contentStores))
}

// filesExceptions are where package imagefs shows something else than a mount does.
var filesExceptions = []exception{
	openRoot, flatMarks, marksByName, fuseNames,
	{
		"names in flat layers", "a flat layer has no inodes",
		func(x *looked, d contents.Difference) bool {
			return x.by == contents.Composefs && d.Field == contents.Names
		},
	},
	{
		"devices 0:0 in flat layers", "mkcomposefs makes files of them, with an attribute that the kernel heeds only where the directory has one, too",
		func(x *looked, d contents.Difference) bool {
			return x.by == contents.Composefs && d.Field == contents.Missing && x.chars[d.Path]
		},
	},
	{
		"attributes by fuse-overlayfs", "it does not show on all names of a file that a container has given it one",
		func(x *looked, d contents.Difference) bool {
			return x.by == contents.Fuse && d.Field == contents.Attributes && sameAttributes(d, "user.added")
		},
	},
	{
		"below names that are not UTF-8", "io/fs cannot name them",
		func(_ *looked, d contents.Difference) bool {
			return d.Field == contents.Missing && !utf8.ValidString(path.Dir(d.Path))
		},
	},
}

// TestImageFSByRules has [fstest.TestFS] look at images, as each driver and form keeps them, that have nothing that it
// cannot open.
func TestImageFSByRules(t *testing.T) {
	openable := map[string]string{}
	for _, name := range []string{"opaque", "implied", "recreated", "links", "through", fixture.Many} {
		openable[stackID(name)] = name
	}
	for _, name := range []string{"machine-contents", "sid-contents-vfs", "sid-contents-fuse", "sid-contents-chunked", "sid-contents-composefs"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := contentStore(t, name)
			tested := 0
			eachImage(t, c, s, func(id string, layers []*cstor.Layer) {
				name, ok := openable[id]
				if !ok {
					return
				}
				tested++
				fsys, err := imagefs.New(layers, imagefs.Options{})
				if err != nil {
					t.Fatal(err)
				}
				var files []string
				err = fs.WalkDir(fsys, ".", func(name string, _ fs.DirEntry, err error) error {
					files = append(files, name)
					return err
				})
				if err != nil || len(files) < 4 {
					t.Fatalf("%q: %v", files, err)
				}
				if err := fstest.TestFS(fsys, files[1:]...); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			if tested < 3 {
				t.Errorf("%d images only", tested)
			}
		})
	}
}

// TestImageFSAsNobody gives root's store to everybody to read, and has a user look at it who cannot see which directories
// are opaque. He must see what root does.
func TestImageFSAsNobody(t *testing.T) {
	for _, name := range []string{"machine-contents", "sid-contents", "sid-contents-fuse", "sid-contents-vfs", "sid-contents-composefs"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := contentStore(t, name)
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
				t.Fatal(err)
			}
			copied, err := s.Copy(t.Context(), filepath.Join(dir, "copy"))
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "chmod", "-R", "a+rX", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			root, err := contents.See(t.Context(), copied)
			if err != nil {
				t.Fatal(err)
			}
			nobody, err := contents.SeeAsNobody(t.Context(), copied)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d images, %d directories of which one cannot see whether they are opaque", len(nobody.Images), nobody.Unknown)
			native := name == "machine-contents" || name == "sid-contents"
			if root.Unknown != 0 || native && nobody.Unknown == 0 {
				t.Errorf("of %d directories root does not see whether they are opaque, of %d others do not", root.Unknown, nobody.Unknown)
			}
			if len(root.Images) != len(nobody.Images) || len(root.Images) < 10 {
				t.Errorf("%d images, and %d", len(root.Images), len(nobody.Images))
			}
			for id, want := range root.Images {
				for _, d := range contents.Differences(want, nobody.Images[id]) {
					t.Errorf("image %s: %s", id, d)
				}
			}
			// It has a mark of which the tar's name leads through a link of the layer.
			if native && root.Images[stackID("through-marks")] == nil {
				t.Error("the image of such marks is not there")
			}
		})
	}
}

func stackID(name string) string {
	i := slices.IndexFunc(fixture.Stacks(), func(s fixture.Stack) bool { return s.Name == name })
	return fixture.Stacks()[i].ID()
}
