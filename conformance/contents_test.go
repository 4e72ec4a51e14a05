package conformance

import (
	"context"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// contentStores are the stores whose images are looked into.
var contentStores = slices.Concat(corpus.Contents, corpus.Table)

// contentStore returns the store of that name.
func contentStore(t *testing.T, name string) (corpus.Corpus, *corpus.Store) {
	t.Helper()
	i := slices.IndexFunc(contentStores, func(c corpus.Corpus) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no store %q", name)
	}
	return contentStores[i], built(t, contentStores[i])
}

// there is contentStore, and false for one whose peer is missing where it may be.
func there(t *testing.T, name string) (s *corpus.Store, ok bool) {
	t.Helper()
	i := slices.IndexFunc(contentStores, func(c corpus.Corpus) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no store %q", name)
	}
	c := contentStores[i]
	s, err := lab.Build(t.Context(), c)
	if errors.Is(err, peers.ErrMissing) && !peers.Required(c.Peer) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, true
}

// looked is an image, or a container, that is looked into.
type looked struct {
	corpus.Corpus
	by, name string         // by what means the tree is shown that it is compared with; the image's id
	layers   []*cstor.Layer // base first
	tree     contents.Tree  // by headers
	merged   *merge.Tree

	implied map[string]int  // directories, by the highest layer that has something in them and no header for them
	linked  map[string]bool // names of files that have several, as the tars have them
	marked  map[string]bool // names that a layer deletes, and opaque directories
	remade  map[string]bool // directories that one layer deletes, and then has
	both    map[string]bool // names that one layer deletes and has
	chars   map[string]bool // character devices 0:0
	links   map[string]bool // symbolic links, of any layer
	onDisk  []bool          // of each layer: it is known by its files only

	opaqueRoot    bool // a layer hides all those below it
	throughBelow  bool // a name leads through a link of a layer below
	markedThrough bool // a mark's name leads through a link of its own layer
	aufs          bool // AUFS has left something
	partly        bool // layers may have been pulled in parts
}

func (x *looked) String() string { return x.Name + ", " + x.name }

// look asks cstor what the layers show by their headers.
func look(t *testing.T, c corpus.Corpus, name string, layers []*cstor.Layer) *looked {
	t.Helper()
	x := &looked{
		Corpus: c, name: name, layers: layers, partly: strings.Contains(c.Options, "enable_partial_images"),
		implied: map[string]int{}, linked: map[string]bool{}, remade: map[string]bool{}, both: map[string]bool{}, chars: map[string]bool{},
		links: map[string]bool{}, marked: map[string]bool{},
	}
	var err error
	if x.tree, x.merged, err = contents.OfHeaders(t.Context(), layers); err != nil {
		t.Fatalf("%s: %v", x, err)
	}
	for i, l := range layers {
		if err := x.read(t.Context(), i, l); err != nil {
			t.Fatalf("%s: layer %s: %v", x, l, err)
		}
	}
	return x
}

// read notes what is odd in one layer.
func (x *looked) read(ctx context.Context, layer int, l *cstor.Layer) error {
	has, deleted, links := map[string]bool{}, map[string]bool{}, map[string]bool{} // has: whether by a header
	for e, err := range l.Entries(ctx) {
		if err != nil {
			return err
		}
		name := clean(e.Name)
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if !has[dir] {
				has[dir] = false // so far
			}
		}
		if dir, victim, opaque, ok := merge.Whiteout(e.Name); ok {
			x.opaqueRoot = x.opaqueRoot || opaque && dir == "."
			x.aufs = x.aufs || victim == "" && !opaque
			x.markedThrough = x.markedThrough || below(dir, links)
			deleted[path.Join(dir, victim)] = !opaque
			x.marked[path.Join(dir, victim)] = true
			if e.Type == '1' {
				x.linked[clean(e.Linkname)] = true
			}
			continue
		}
		has[name] = true
		switch e.Type {
		case '1':
			x.linked[name], x.linked[clean(e.Linkname)] = true, true
		case '2':
			links[name] = true
		case '3':
			x.chars[name] = x.chars[name] || e.Devmajor == 0 && e.Devminor == 0
		case '5':
			x.remade[name] = x.remade[name] || deleted[name]
		}
	}
	for name, header := range has {
		if !header {
			x.implied[name] = layer
		}
		x.both[name] = x.both[name] || below(name, deleted)
		x.throughBelow = x.throughBelow || !header && x.links[name] && !links[name]
	}
	maps.Copy(x.links, links)
	source, err := l.EntrySource()
	x.onDisk = append(x.onDisk, source == cstor.EntriesOfTree)
	return err
}

func clean(name string) string { return path.Clean(strings.TrimPrefix(path.Clean("/"+name), "/")) }

// below tells whether a path, or a directory that it is in, is among names.
func below(name string, names map[string]bool) bool {
	for ; name != "."; name = path.Dir(name) {
		if names[name] {
			return true
		}
	}
	return false
}

// eachImage calls f for every image of a store that has layers, and every container but those for whose id maps a layer of the
// image was copied: what they show lies in folders that are in no chain. Owners are those that cstor shows in the store's peer.
func eachImage(t *testing.T, c corpus.Corpus, s *corpus.Store, f func(name string, layers []*cstor.Layer)) {
	t.Helper()
	var box *peers.Peer
	if s.User {
		var err error
		if box, err = lab.Peer(c.Peer); err != nil {
			t.Fatal(err)
		}
	}
	st, err := openInPeer(t, box, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() }) // was only read
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			t.Fatalf("%s: %s: %v", c.Name, i, err)
		}
		if len(layers) > 0 {
			f(i.ID(), layers)
		}
	}
	for k, err := range st.Containers() {
		if err != nil {
			t.Fatal(err)
		}
		layers, err := k.Layers()
		if err != nil {
			t.Fatalf("%s: %s: %v", c.Name, k, err)
		}
		if len(layers) > 1 && len(layers[len(layers)-2].UIDMap()) > 0 {
			continue
		}
		f("container "+k.ID(), layers)
	}
}

// mounts are what mounts showed, by store and image: each is made once for all tests.
var mounts sync.Map

type mount struct {
	tree contents.Tree
	by   string
}

// mounted returns what a mount of the layers shows, and skips the test where there can be none.
func mounted(t *testing.T, c corpus.Corpus, s *corpus.Store, name string, layers []*cstor.Layer) mount {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	once, _ := mounts.LoadOrStore(c.Name+" "+name, sync.OnceValues(func() (mount, error) {
		tree, by, err := contents.Mount(ctx, s, layers)
		return mount{tree, by}, err
	}))
	m, err := once.(func() (mount, error))()
	if errors.Is(err, contents.ErrNoMount) && os.Getenv("CSTOR_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("%s, %s: %v", c.Name, name, err)
	}
	return m
}

// firstSubID is the first subordinate id of the user u1 of a box.
func firstSubID(t *testing.T, peer string) int64 {
	t.Helper()
	p, err := lab.Peer(peer)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := os.ReadFile(filepath.Join(p.Root, "etc", "subuid"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(ids)) {
		if rest, ok := strings.CutPrefix(line, "u1:"); ok {
			first, _, _ := strings.Cut(rest, ":")
			id, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
	}
	t.Fatalf("%s has no subordinate ids for u1", peer)
	return 0
}

// asSeen gives a tree, as a mount by root of the machine shows it, the owners that a container sees, or that the user's namespace
// shows. Containers' ids outside are none that an image has.
func asSeen(t *testing.T, c corpus.Corpus, name string, tree contents.Tree) contents.Tree {
	t.Helper()
	id := func(host int64) int64 { return host }
	if c.User {
		first := firstSubID(t, c.Peer)
		id = func(host int64) int64 {
			switch {
			case host == 1000: // u1
				return 0
			case host >= first:
				return host - first + 1
			}
			return -1
		}
	}
	if strings.HasPrefix(name, "container ") && slices.Contains(c.Steps, "mapped") {
		id = func(host int64) int64 { // see build.sh
			switch {
			case host >= 300000:
				return host - 300000
			case host >= 200000:
				return host - 200000
			}
			return host
		}
	}
	shifted := contents.Tree{}
	for path, n := range tree {
		m := *n
		m.UID, m.GID = id(n.UID), id(n.GID)
		if value := m.Xattrs["security.capability"]; c.User && len(value) == 24 { // revision 3, with the namespace's root
			m.Xattrs = maps.Clone(m.Xattrs)
			m.Xattrs["security.capability"] = value[:3] + "\x02" + value[4:20]
		}
		shifted[path] = &m
	}
	return shifted
}
