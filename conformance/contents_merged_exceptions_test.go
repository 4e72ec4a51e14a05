package conformance

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/contents"
	"github.com/cstor-go/cstor/conformance/fixture"
	"github.com/cstor-go/cstor/conformance/peers"
)

// mergedExceptions are where what a store or umoci shows is not what the headers say.
var mergedExceptions = []exception{
	{
		"root directory", "what a tar says of the root is not always applied",
		func(_ *looked, d contents.Difference) bool { return d.Path == "." && isMetadata(d) },
	},
	{
		"implied directories", "of a directory that a layer implies, the disk has what unpacking gives it, and shows that for the header of a layer below",
		func(x *looked, d contents.Difference) bool {
			n, ok := x.merged.Lookup(d.Path)
			implied, is := x.implied[d.Path]
			return ok && is && isMetadata(d) && (n.Layer < 0 || implied > n.Layer)
		},
	},
	openRoot,
	{
		"directories deleted and made again", "unpacking forgets the mark of deletion",
		func(x *looked, d contents.Difference) bool {
			return d.Field == contents.Missing && below(d.Path, x.remade)
		},
	},
	{
		"devices 0:0", "they are the kernel's marks of deletion",
		func(x *looked, d contents.Difference) bool { return isOther(d) && below(d.Path, x.chars) },
	},
	{
		"hard links' headers", "the one that was unpacked last is what the file has",
		func(x *looked, d contents.Difference) bool {
			n, ok := x.merged.Lookup(d.Path)
			return ok && isMetadata(d) && (x.linked[d.Path] || x.linked[clean(n.Entry.Name)])
		},
	},
	{
		"AUFS", "what AUFS had for itself is shown",
		func(x *looked, d contents.Difference) bool {
			return x.aufs && (d.Field == contents.Missing && strings.HasPrefix(d.Path, ".wh..wh.") || d.Field == contents.Names)
		},
	},
	{
		"SELinux labels", "not restored",
		func(_ *looked, d contents.Difference) bool {
			return d.Field == contents.Attributes && sameAttributes(d, "security.selinux")
		},
	},
	{
		"devices in a user namespace", "not made there; what is below shows",
		func(x *looked, d contents.Difference) bool { return x.User && x.leftOut(d, "34") },
	},
	{
		"pipes and devices in parts", "pulling in parts leaves them out; what is below shows",
		func(x *looked, d contents.Difference) bool { return x.partly && x.leftOut(d, "346") },
	},
	{
		"times in parts", "pulling in parts sets no times of directories and links",
		func(x *looked, d contents.Difference) bool {
			return x.partly && x.by == contents.Overlay && d.Field == contents.Time && (d.Got.Type == '5' || d.Got.Type == '2')
		},
	},
	{
		"times before 1970", "unpacking makes them 1970",
		func(_ *looked, d contents.Difference) bool {
			return d.Field == contents.Time && d.Got.ModTime.Unix() < 0 && d.Want.ModTime.Unix() == 0
		},
	},
	{
		"times of global headers", "unpacking takes no notice of them",
		func(x *looked, d contents.Difference) bool {
			return d.Field == contents.Time && len(x.layers) == 1 && isFixture(x.layers[0], "pax-globals") && d.Got.ModTime.Unix() == 1e9
		},
	},
	{
		"empty attributes", "neither tools of 2022 nor umoci set them",
		func(x *looked, d contents.Difference) bool {
			return (x.Peer == peers.Machine || x.by == contents.Umoci) && d.Field == contents.Attributes && sameAttributes(d, "user.empty")
		},
	},
	{
		"hard links of links on disk", "of a container's layer, cstor tells names of one file by regular files only",
		func(x *looked, d contents.Difference) bool {
			return d.Field == contents.Names && slices.Contains(x.onDisk, true) && d.Got.Type == '2'
		},
	},
	flatMarks,
	marksByName,
	fuseNames,
	{
		"links of layers below", "a name that leads through one leads on where the layers have been unpacked one over the other",
		func(x *looked, _ contents.Difference) bool { return isWhole(x) && x.throughBelow },
	},
	{
		"directories of marks", "unpacking a mark makes its directory, even if the layer deletes that",
		func(x *looked, d contents.Difference) bool {
			_, implied := x.implied[d.Path]
			return isWhole(x) && d.Field == contents.Missing && d.Want.Type == '5' && implied
		},
	},
	{
		"directories of marks alone", "umoci does not make them",
		func(x *looked, d contents.Difference) bool {
			_, implied := x.implied[d.Path]
			return x.by == contents.Umoci && (d.Field == contents.Extra || d.Field == contents.Type) && d.Got.Type == '5' && implied
		},
	},
	{
		"times of directories by umoci", "they are not always set again after something has been put there",
		func(x *looked, d contents.Difference) bool {
			return x.by == contents.Umoci && d.Field == contents.Time && d.Got.Type == '5'
		},
	},
	{
		"opaque marks through links", "not heeded",
		func(x *looked, d contents.Difference) bool {
			return isWhole(x) && x.markedThrough && d.Field == contents.Missing
		},
	},
	{
		"attributes of before", "a directory keeps those that a later header does not have",
		func(x *looked, d contents.Difference) bool {
			return isWhole(x) && d.Field == contents.Attributes && d.Got.Type == '5' && len(d.Want.Xattrs) > len(d.Got.Xattrs)
		},
	},
	{
		"names of a pipe in vfs", "copying a layer for the next one makes several pipes of it",
		func(x *looked, d contents.Difference) bool {
			return x.by == contents.VFS && d.Field == contents.Names && d.Got.Type == '6'
		},
	},
}

var openRoot = exception{
	"opaque root", "the kernel merges the roots of layers whatever their marks say",
	func(x *looked, d contents.Difference) bool {
		return x.opaqueRoot && (x.by == contents.Overlay || x.by == contents.Composefs) && d.Field == contents.Missing
	},
}

var flatMarks = exception{
	"marks in flat layers", "in the EROFS image they are files, and hide nothing",
	func(x *looked, d contents.Difference) bool {
		return x.by == contents.Composefs && (d.Field == contents.Missing && (strings.HasPrefix(path.Base(d.Path), ".wh.") || below(d.Path, x.marked)) ||
			d.Field == contents.Names && x.tree[d.Want.First] == nil)
	},
}

var marksByName = exception{
	"marks by name", "fuse-overlayfs takes a mark to hide what its own layer has, too",
	func(x *looked, d contents.Difference) bool {
		return x.by == contents.Fuse && d.Field == contents.Extra && below(d.Path, x.both)
	},
}

var fuseNames = exception{
	"names of a file by fuse-overlayfs", "it does not give all the same inode",
	func(x *looked, d contents.Difference) bool { return x.by == contents.Fuse && d.Field == contents.Names },
}

func isFixture(l *cstor.Layer, name string) bool {
	known, _ := fixture.ByDiffID(l.DiffID().String())
	return known.Name == name
}

// isWhole tells whether layers were unpacked one over the other.
func isWhole(x *looked) bool { return x.by == contents.VFS || x.by == contents.Umoci }

// leftOut tells of consequences of that the store has no file of some types.
func (x *looked) leftOut(d contents.Difference, types string) bool {
	if !isOther(d) {
		return false
	}
	name := d.Path
	for x.tree[name] == nil {
		name = path.Dir(name)
	}
	return strings.ContainsRune(types, rune(x.tree[name].Type))
}

// isOther tells of what is there on one side only, or of another type.
func isOther(d contents.Difference) bool {
	return slices.Contains([]string{contents.Missing, contents.Extra, contents.Type}, d.Field)
}

// isMetadata tells of what a header says beside type and content.
func isMetadata(d contents.Difference) bool {
	return slices.Contains([]string{contents.Mode, contents.Owner, contents.Time, contents.Attributes}, d.Field)
}

// sameAttributes tells whether only one attribute differs.
func sameAttributes(d contents.Difference, but string) bool {
	want, got := maps.Clone(d.Want.Xattrs), maps.Clone(d.Got.Xattrs)
	delete(want, but)
	delete(got, but)
	return maps.Equal(want, got)
}
