package corpora

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// small are layers of each kind with few files.
var small = []struct {
	name  string
	layer func(*rand.Rand) []entry
	sum   string // on amd64; it changes with Version, and with nothing else
}{
	{"packages", packages(500), "35dad33ed613fcdb3d202729711d05a65ba72aa6d6809ec747422fedb18593e4"},
	{"changed", changed(packages(12_000), packages(300)), "2d5d5c4ecf82a0d1f83ab1cb15d2a60a18e3a74ddf6583bda7917c4ea3491fc4"},
	{"modules", modules(1, 500), "b332e3dc11179c05b19249470ec848f3c31e7b4b5609540572f0d99afb25363a"},
}

func layerOf(t *testing.T, layer func(*rand.Rand) []entry, seed uint64) ([]entry, []byte) {
	t.Helper()
	list := tree(layer(rand.New(rand.NewPCG(seed, 0))))
	var b bytes.Buffer
	if err := writeTar(&b, list, seed); err != nil {
		t.Fatal(err)
	}
	return list, b.Bytes()
}

// TestSameBytes: a corpus that was kept is the one that would be made now.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	for _, tc := range small {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, one := layerOf(t, tc.layer, 1)
			_, two := layerOf(t, tc.layer, 1)
			if !bytes.Equal(one, two) {
				t.Error("made twice, it differs")
			}
			if _, other := layerOf(t, tc.layer, 2); bytes.Equal(one, other) {
				t.Error("another seed makes no difference")
			}
			if runtime.GOARCH != "amd64" {
				t.Skip("sizes go through floating point, which may differ in the last bit elsewhere")
			}
			if sum := fmt.Sprintf("%x", sha256.Sum256(one)); sum != tc.sum {
				t.Errorf("the content is no longer %s but %s: raise Version, if that is meant, and update this table", tc.sum, sum)
			}
		})
	}
}

// TestTars: archive/tar reads them; each entry comes once, after its folder and after the target of a hard link.
func TestTars(t *testing.T) {
	t.Parallel()
	for _, tc := range small {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			list, raw := layerOf(t, tc.layer, 1)
			types := map[string]byte{".": tar.TypeDir}
			for r := tar.NewReader(bytes.NewReader(raw)); ; {
				h, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				name := path.Clean(h.Name)
				if types[name] != 0 {
					t.Errorf("%q comes twice", name)
				}
				if types[path.Dir(name)] != tar.TypeDir {
					t.Errorf("%q does not come after its folder", name)
				}
				if h.Typeflag == tar.TypeLink && types[h.Linkname] != tar.TypeReg {
					t.Errorf("%q does not come after its target %q", name, h.Linkname)
				}
				types[name] = h.Typeflag
			}
			if len(types) != len(list)+1 {
				t.Errorf("%d entries in the tar, %d made", len(types)-1, len(list))
			}
		})
	}
}

// TestRemoved: whiteouts name what the lowest layer has.
func TestRemoved(t *testing.T) {
	t.Parallel()
	c, err := Find("ordinary")
	if err != nil {
		t.Fatal(err)
	}
	lowest := map[string]bool{}
	for _, e := range tree(c.layers[0](rand.New(rand.NewPCG(c.seed<<32, 0)))) {
		lowest[e.name] = true
	}
	whiteouts, opaque := 0, 0
	for _, e := range tree(c.layers[3](rand.New(rand.NewPCG(c.seed<<32|3, 0)))) {
		dir, base := path.Split(e.name)
		name, ok := strings.CutPrefix(base, ".wh.")
		switch {
		case !ok:
		case name == ".wh..opq":
			if opaque++; !lowest[path.Clean(dir)] {
				t.Errorf("%q empties a folder that is not there", e.name)
			}
		default:
			if whiteouts++; !lowest[dir+name] {
				t.Errorf("%q removes what is not there", e.name)
			}
		}
	}
	if whiteouts < 100 || opaque < 10 {
		t.Errorf("%d whiteouts, %d opaque folders", whiteouts, opaque)
	}
}

// TestShapes: files are as many and as large as the descriptions say.
func TestShapes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                string
		files, median, mean float64 // 0: not looked at
	}{
		{"ordinary", 30_000, 3000, 16_000},
		{"smallfiles", 150_000, 1200, 3000},
		{"bigfiles", 14, 0, 3 << 30 / 14},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := Find(tc.name)
			if err != nil {
				t.Fatal(err)
			}
			var sizes []float64
			sum := 0.0
			for n, layer := range c.layers {
				for _, e := range tree(layer(rand.New(rand.NewPCG(c.seed<<32|uint64(n), 0)))) {
					if e.typ == tar.TypeReg {
						sizes, sum = append(sizes, float64(e.size)), sum+float64(e.size)
					}
				}
			}
			slices.Sort(sizes)
			for _, v := range []struct {
				what      string
				got, want float64
			}{
				{"files", float64(len(sizes)), tc.files},
				{"median", sizes[len(sizes)/2], tc.median},
				{"mean", sum / float64(len(sizes)), tc.mean},
			} {
				if v.want > 0 && (v.got < 0.85*v.want || v.got > 1.15*v.want) {
					t.Errorf("%s: %.0f, not about %.0f", v.what, v.got, v.want)
				}
			}
		})
	}
}
