package conformance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
)

// kindsOf lists the kinds of each store.
var kindsOf = []storeKinds{
	{store: "sid-root", kinds: append([]kind{
		{name: "native overlay", is: ordinary, reference: exact, cstor: exact},
		{
			name: "a container's, native overlay", is: ofContainer("changed"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory, marks, linkedNodes},
		},
	}, foreignKinds()...)},
	{store: "trixie-user", kinds: []kind{
		{name: "native overlay, an ordinary user's", is: ordinary, reference: exact, cstor: exact},
		{
			name: "a container's, an ordinary user's", is: ofContainer("changed"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory, marks, linkedNodes, usersOpaque, insideOwners, insideCapabilities},
		},
	}},
	{store: "sid-root-fuse", kinds: []kind{
		{name: "fuse-overlayfs", is: ordinary, reference: exact, cstor: exact},
		{
			name: "a container's, fuse-overlayfs", is: ofContainer("changed"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory, marks, linkedNodes, allOpaque, namesHidden, unseenAttributes},
		},
	}},
	{store: "sid-user-fuse", kinds: []kind{
		{name: "fuse-overlayfs, an ordinary user's", is: ordinary, reference: exact, cstor: exact},
		{
			name: "a container's, fuse-overlayfs, an ordinary user's", is: ofContainer("changed"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory, marks, linkedNodes, allOpaque, namesHidden, unseenAttributes, insideOwners, insideCapabilities},
		},
	}},
	{store: "trixie-root-vfs", kinds: []kind{
		{name: "vfs", is: ordinary, reference: exact, cstor: exact},
		{
			name: "a container's, vfs", is: ofContainer("changed"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory, marks},
		},
	}},
	{store: "trixie-root-mapped", kinds: []kind{
		{name: "copied for other owners", is: all(ordinary, mapped), reference: exact, cstor: exact},
		{
			name: "a container's, with id maps, copied", is: ofContainer("shifted"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory},
		},
		{
			name: "a container's, with id maps, mounted so", is: ofContainer("idmapped"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory, insideOwners},
		},
	}},
	{store: "sid-root-mapped", kinds: []kind{
		{
			name: "a container's, with id maps, copied", is: ofContainer("shifted"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory},
		},
		{
			name: "a container's, with id maps, mounted so", is: ofContainer("idmapped"), reference: another, cstor: approximate,
			ours: []*difference{rootDirectory},
		},
	}},
	{store: "sid-root-split", kinds: []kind{
		{name: "in the image store of a split store", is: all(ordinary, in(cstor.RoleImageStore)), reference: exact, cstor: exact},
	}},
	{store: "sid-root-additional", kinds: []kind{
		{name: "in an additional image store", is: all(ordinary, in(cstor.RoleAdditional)), reference: exact, cstor: exact},
		{
			name: "over a parent in an additional image store", reference: exact, cstor: exact,
			is: all(ordinary, in(cstor.RolePrimary), parentIn(cstor.RoleAdditional)),
		},
	}},
	{store: "trixie-root-chunked", kinds: []kind{
		{name: "zstd:chunked, pulled in parts", is: all(ordinary, chunked), reference: exact, cstor: exact},
		{name: "zstd:chunked, converted when pulled", is: all(ordinary, converted), reference: exact, cstor: exact},
	}},
	{store: "sid-root-composefs", kinds: []kind{
		{name: "flat composefs, pulled in parts", is: all(ordinary, chunked), reference: exact, cstor: exact},
		{name: "flat composefs, converted when pulled", is: all(ordinary, converted), reference: exact, cstor: exact},
	}},
	{store: "trixie-root-estargz", originals: eStargzTars, kinds: []kind{eStargz}},
	{store: "sid-root-estargz", originals: eStargzTars, kinds: []kind{eStargz}},
	{store: "machine-root-lent", kinds: []kind{
		{name: "lent by an additional layer store when pulled", is: all(ordinary, lent), reference: exact, cstor: exact},
	}},
	{store: "trixie-root-mapped", stripped: true, kinds: []kind{{
		name: "very old, native overlay", is: fixtures, reference: wrong, cstor: approximate,
		ours:   []*difference{rootDirectory, impliedDirectories, marks, ownersNames, linkedModes, oldTimes},
		theirs: []*difference{impliedDirectories, marks, ownersNames, linkedModes, oldTimes},
	}}},
	{store: "sid-user-fuse", stripped: true, kinds: []kind{{
		name: "very old, fuse-overlayfs, an ordinary user's", is: fixtures, reference: wrong, cstor: approximate,
		ours:   []*difference{rootDirectory, impliedDirectories, marks, ownersNames, linkedModes, oldTimes, nodes},
		theirs: []*difference{impliedDirectories, marks, ownersNames, linkedModes, oldTimes, hostOwners, nodes, capabilities, spelledOut, idleMarks},
	}}},
	{store: "sid-root-vfs", stripped: true, kinds: []kind{{
		name: "very old, vfs", is: fixtures, reference: wrong, cstor: approximate,
		ours:   []*difference{rootDirectory, impliedDirectories, marks, ownersNames, linkedModes, oldTimes, spelledOut, idleMarks},
		theirs: []*difference{impliedDirectories, marks, ownersNames, linkedModes, oldTimes, spelledOut, idleMarks},
	}}},
	{store: "trixie-root-chunked", stripped: true, kinds: []kind{{
		name: "zstd:chunked, without tar-split in the blob", is: all(fixtures, chunked), reference: wrong, cstor: checked,
		ours:   []*difference{ownersNames},
		theirs: []*difference{impliedDirectories, marks, ownersNames, linkedModes, lateTimes, nodes},
	}}},
	{store: "sid-root-composefs", stripped: true, kinds: []kind{{
		name: "flat composefs, without tar-split in the blob", is: all(fixtures, chunked), reference: wrong, cstor: checked,
		ours: []*difference{ownersNames}, theirs: []*difference{objects},
	}}},
}

var eStargz = kind{
	name: "eStargz, pulled in parts", is: chunked, reference: another, cstor: checked,
	ours:   []*difference{notUTF8},
	theirs: []*difference{notUTF8, impliedDirectories, marks, ownersNames, linkedModes, lateTimes, nodes},
}

// foreignKinds are the layers of package fixture that do not come back from the reference: each a kind of its own.
func foreignKinds() (kinds []kind) {
	for _, l := range fixture.Layers() {
		k := kind{
			name: "a tar of: " + l.Name, reference: failed, cstor: exact,
			is: func(_ *cstor.Storage, found *cstor.Layer) bool { return found.DiffID().String() == l.DiffID() },
		}
		if l.Fate == fixture.Lost {
			k.cstor = lost
		}
		if strings.HasPrefix(l.Name, "pax-sparse-") { // their files are there, and their checksums right: they are longer than the data
			k.reference = wrong
		}
		if l.Fate != fixture.Exact {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

type predicate = func(*cstor.Storage, *cstor.Layer) bool

// ordinary layers have a diff id, and tars that come back.
func ordinary(_ *cstor.Storage, l *cstor.Layer) bool {
	known, _ := fixture.ByDiffID(l.DiffID().String()) // the zero Fate is Exact
	return l.DiffID() != "" && known.Fate == fixture.Exact
}

// fixtures are some layers of package fixture, with entries of every kind, each once.
func fixtures(st *cstor.Storage, l *cstor.Layer) bool {
	for _, name := range []string{"localhost/fixture:zstd", "docker.io/library/fixture:gzip", "localhost/devices:latest", "localhost/chunked:latest"} {
		i, err := st.Image(name)
		if err != nil {
			continue
		}
		layers, err := i.Layers()
		if err == nil && slices.ContainsFunc(layers, func(own *cstor.Layer) bool { return own.ID() == l.ID() }) {
			return true
		}
	}
	return false
}

func mapped(_ *cstor.Storage, l *cstor.Layer) bool { return len(l.UIDMap()) > 0 }

// chunked layers were pulled by their table of contents.
func chunked(_ *cstor.Storage, l *cstor.Layer) bool { return l.TOCDigest() != "" }

// converted layers have a table of contents that was made here.
func converted(_ *cstor.Storage, l *cstor.Layer) bool {
	return l.TOCDigest() == "" && slices.Contains(l.BigDataNames(), "zstd-chunked-manifest")
}

func ofContainer(name string) predicate {
	return func(st *cstor.Storage, l *cstor.Layer) bool {
		c, err := st.Container(name)
		return err == nil && c.LayerID() == l.ID()
	}
}

func in(role cstor.Role) predicate {
	return func(_ *cstor.Storage, l *cstor.Layer) bool {
		_, found := l.Store()
		return found == role
	}
}

func parentIn(role cstor.Role) predicate {
	return func(st *cstor.Storage, l *cstor.Layer) bool {
		parent, err := st.Layer(l.ParentID())
		return err == nil && in(role)(st, parent)
	}
}

// lent layers have no tar-split.
func lent(_ *cstor.Storage, l *cstor.Layer) bool {
	r, err := l.TarAt(context.Background(), cstor.TarOptions{})
	if err == nil {
		_ = r.Close() // was only opened
	}
	return errors.Is(err, cstor.ErrNoTar)
}

func all(are ...predicate) predicate {
	return func(st *cstor.Storage, l *cstor.Layer) bool {
		return !slices.ContainsFunc(are, func(is predicate) bool { return !is(st, l) })
	}
}

// eStargzTars returns the tars of which the eStargz images were made, by layer id.
func eStargzTars(t *testing.T, st *cstor.Storage) map[string][]byte {
	t.Helper()
	tars := map[string][]byte{}
	for tag, names := range corpus.EStargz {
		i, err := st.Image("localhost/estargz:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := i.Layers()
		if err != nil || len(layers) != len(names) {
			t.Fatalf("image %s: %d layers, %v", tag, len(layers), err)
		}
		for n, l := range layers {
			tars[l.ID()] = tarOf(t, names[n])
		}
	}
	return tars
}

// tarOf returns the tar of that name of package fixture.
func tarOf(t *testing.T, name string) []byte {
	t.Helper()
	n := slices.IndexFunc(fixture.Layers(), func(l fixture.Layer) bool { return l.Name == name })
	if n < 0 {
		t.Fatalf("no layer %q", name)
	}
	return fixture.Layers()[n].Tar
}
