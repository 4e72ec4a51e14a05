package corpora

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// Version goes into the names of the folders in which corpora lie: it changes whenever their content does.
const Version = 1

// Corpus is an image to be made.
type Corpus struct {
	Name   string
	About  string // a sentence for readers of the figures
	layers []func(*rand.Rand) []entry
	seed   uint64
}

// Table holds all corpora.
var Table = []Corpus{
	{
		Name:  "ordinary",
		About: "The shape of a distribution's image: files of 3 KB (median) and 16 KB (mean), deep paths, links, whiteouts.",
		layers: []func(*rand.Rand) []entry{
			packages(12_000), packages(9_000), packages(6_000), changed(packages(12_000), packages(3_000)),
		},
		seed: 1,
	},
	{
		Name:   "smallfiles",
		About:  "Like the node_modules of web applications: half of the files are smaller than 1.2 KB.",
		layers: []func(*rand.Rand) []entry{modules(1, 50_000), modules(2, 50_000), modules(3, 50_000)},
		seed:   2,
	},
	{
		Name:   "bigfiles",
		About:  "Three layers of 1 GiB each: 2 files of random bytes, 4 of text, 8 of both.",
		layers: []func(*rand.Rand) []entry{data(2, random, "data/random", ".bin"), data(4, text, "data/text", ".log"), data(8, mixed, "models/mixed", ".bin")},
		seed:   3,
	},
}

// Find returns the corpus of that name.
func Find(name string) (Corpus, error) {
	for _, c := range Table {
		if c.Name == name {
			return c, nil
		}
	}
	return Corpus{}, fmt.Errorf("no corpus %q", name)
}

// Layers is the number of layers.
func (c Corpus) Layers() int { return len(c.layers) }

// WriteLayer writes the tar of layer n, base first from 0, and returns the number of its entries.
func (c Corpus) WriteLayer(w io.Writer, n int) (entries int, err error) {
	seed := c.seed<<32 | uint64(n)
	list := tree(c.layers[n](rand.New(rand.NewPCG(seed, 0))))
	if err := writeTar(w, list, seed); err != nil {
		return 0, fmt.Errorf("layer %d of %s: %w", n, c.Name, err)
	}
	return len(list), nil
}
