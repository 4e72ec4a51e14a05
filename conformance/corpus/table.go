package corpus

import "github.com/cstor-go/cstor/conformance/peers"

// Library is the peer name of stores that the reference library writes, called from this process.
const Library = "library"

// Corpus is one store to build.
type Corpus struct {
	// Name is unique, and names writer, privileges and what is special.
	Name string
	// Peer is one of [peers.Names], or [Library].
	Peer string
	// User: written by an ordinary user.
	User bool
	// Driver is "overlay" or "vfs".
	Driver string
	// Steps are those of build.sh; of Library's, only [Archived] counts.
	Steps []string
	// Split, Lender and Transient ask for an image store, an additional store and a transient store.
	Split, Lender, Transient bool
	// Lent asks for an additional layer store that has what the step "lent" pulls.
	Lent bool
	// Options are further lines of storage.conf, TOML tables included.
	Options string
}

const (
	fuse    = "[storage.options.overlay]\nmount_program = \"/usr/bin/fuse-overlayfs\"\n"
	partial = "[storage.options.pull_options]\nenable_partial_images = \"true\"\nconvert_images = \"true\"\n"
	eStargz = "[storage.options.pull_options]\nenable_partial_images = \"true\"\ninsecure_allow_unpredictable_image_contents = \"true\"\n"
	// The composefs key counts in the overlay table only.
	composefs = partial + "[storage.options.overlay]\nuse_composefs = \"true\"\n"
)

var (
	all = []string{"ordinary", "foreign", "built", "containers", "manifests", "ask", "lookups"}
	// Podman 4.3 cannot list images when one of them is an empty manifest list.
	allButListed = []string{"ordinary", "foreign", "built", "containers", "ask", "manifests", "lookups"}

	some = []string{"ordinary", "built", "containers", "ask"}
	few  = []string{"ordinary", "ask"}

	// A container whose layer holds every kind of change.
	changed = []string{"built", "changed"}
)

// Table lists all stores. Combinations that are left out, and why:
//   - an ordinary user on the machine itself: the tests make no users there;
//   - split, transient and partly pulled stores of the machine's own tools: Debian 12's storage library of 2022 knows none;
//   - additional layer stores but on the machine: links into them are absolute, and mean nothing outside of a box;
//   - composefs in trixie: Debian 13 has no mkcomposefs.
var Table = []Corpus{
	{Name: "machine-root", Peer: peers.Machine, Driver: "overlay", Steps: allButListed},
	{Name: "machine-root-vfs", Peer: peers.Machine, Driver: "vfs", Steps: some},
	{Name: "machine-root-additional", Peer: peers.Machine, Driver: "overlay", Lender: true, Steps: []string{"lend", "ask", "lookups"}},
	{Name: "machine-root-mapped", Peer: peers.Machine, Driver: "overlay", Steps: []string{"ordinary", "mapped"}},
	{Name: "machine-root-lent", Peer: peers.Machine, Driver: "overlay", Lent: true, Steps: []string{"lent", "ask"}},

	{Name: "trixie-root", Peer: "trixie", Driver: "overlay", Steps: append(all, "lookups")},
	{Name: "trixie-root-vfs", Peer: "trixie", Driver: "vfs", Steps: append(some, "changed")},
	{Name: "trixie-root-split", Peer: "trixie", Driver: "overlay", Split: true, Steps: some},
	{Name: "trixie-root-additional", Peer: "trixie", Driver: "overlay", Lender: true, Steps: []string{"lend", "ask"}},
	{Name: "trixie-root-transient", Peer: "trixie", Driver: "overlay", Transient: true, Steps: some},
	{Name: "trixie-root-mapped", Peer: "trixie", Driver: "overlay", Steps: []string{"ordinary", "mapped"}},
	{Name: "trixie-root-chunked", Peer: "trixie", Driver: "overlay", Options: partial, Steps: []string{"chunked"}},
	{Name: "trixie-root-estargz", Peer: "trixie", Driver: "overlay", Options: eStargz, Steps: []string{"estargz"}},
	{Name: "trixie-user", Peer: "trixie", User: true, Driver: "overlay", Steps: append(all, "changed")},
	{Name: "trixie-user-fuse", Peer: "trixie", User: true, Driver: "overlay", Options: fuse, Steps: some},
	{Name: "trixie-user-vfs", Peer: "trixie", User: true, Driver: "vfs", Steps: few},

	{Name: "sid-root", Peer: "sid", Driver: "overlay", Steps: append(all, "changed", "lookups")},
	{Name: "sid-root-vfs", Peer: "sid", Driver: "vfs", Steps: few},
	{Name: "sid-root-split", Peer: "sid", Driver: "overlay", Split: true, Steps: some},
	{Name: "sid-root-additional", Peer: "sid", Driver: "overlay", Lender: true, Steps: []string{"lend", "ask", "lookups"}},
	{Name: "sid-root-transient", Peer: "sid", Driver: "overlay", Transient: true, Steps: some},
	{Name: "sid-root-mapped", Peer: "sid", Driver: "overlay", Steps: []string{"ordinary", "mapped"}},
	{Name: "sid-root-composefs", Peer: "sid", Driver: "overlay", Options: composefs, Steps: []string{"chunked"}},
	{Name: "sid-root-estargz", Peer: "sid", Driver: "overlay", Options: eStargz, Steps: []string{"estargz"}},
	{Name: "sid-root-fuse", Peer: "sid", Driver: "overlay", Options: fuse, Steps: changed},
	{Name: "sid-user", Peer: "sid", User: true, Driver: "overlay", Steps: all},
	{Name: "sid-user-fuse", Peer: "sid", User: true, Driver: "overlay", Options: fuse, Steps: append(some, "changed")},
	{Name: "sid-user-chunked", Peer: "sid", User: true, Driver: "overlay", Options: partial, Steps: []string{"chunked"}},

	{Name: "library-root", Peer: Library, Driver: "overlay"},
	{Name: "library-root-vfs", Peer: Library, Driver: "vfs"},
}

// Archived is the step that stores the archives of fixture.WriteArchives, each as the image [ArchiveName] + its name.
const Archived = "archives"

// ArchiveName is what the names of images of archives begin with.
const ArchiveName = "localhost/archive:"

// Archives lists stores of the archives on which Go and tar-split test their readers. They are apart from [Table], because
// what is asked of all stores is known of these after one question: whether each archive comes back.
var Archives = []Corpus{
	{Name: "machine-archives", Peer: peers.Machine, Driver: "overlay", Steps: []string{Archived}},
	{Name: "trixie-archives", Peer: "trixie", Driver: "overlay", Steps: []string{Archived}},
	{Name: "sid-archives", Peer: "sid", Driver: "overlay", Steps: []string{Archived}},
	{Name: "library-archives", Peer: Library, Driver: "overlay", Steps: []string{Archived}},
}

// Contents lists stores of the images of fixture.Stacks, whose merged trees are of interest, and nothing else of theirs. Of two
// of them, the images were also unpacked by umoci, and with them those of fixture.Images: see [Store.Unpacked].
var Contents = []Corpus{
	{Name: "machine-contents", Peer: peers.Machine, Driver: "overlay", Steps: []string{"stacks", "many", "unpacked"}},
	{Name: "trixie-contents-user", Peer: "trixie", User: true, Driver: "overlay", Steps: []string{"stacks"}},
	{Name: "sid-contents", Peer: "sid", Driver: "overlay", Steps: []string{"stacks", "many", "unpacked"}},
	{Name: "sid-contents-vfs", Peer: "sid", Driver: "vfs", Steps: []string{"stacks"}},
	{Name: "sid-contents-fuse", Peer: "sid", Driver: "overlay", Options: fuse, Steps: []string{"stacks"}},
	{Name: "sid-contents-chunked", Peer: "sid", Driver: "overlay", Options: partial, Steps: []string{"stacks-served"}},
	{Name: "sid-contents-composefs", Peer: "sid", Driver: "overlay", Options: composefs, Steps: []string{"stacks-served"}},
}

// Managed lists stores of containers, pods and volumes, of which podman was asked when they were made: see [Store.Said]. They
// are not in [Table], because their images and layers are nothing new.
var Managed = []Corpus{
	{Name: "machine-managed", Peer: peers.Machine, Driver: "overlay", Steps: []string{"managed"}},
	{Name: "trixie-managed", Peer: "trixie", Driver: "overlay", Steps: []string{"managed"}},
	{Name: "trixie-managed-user", Peer: "trixie", User: true, Driver: "overlay", Steps: []string{"managed"}},
	{Name: "sid-managed", Peer: "sid", Driver: "overlay", Steps: []string{"managed"}},
	{Name: "sid-managed-user", Peer: "sid", User: true, Driver: "overlay", Steps: []string{"managed"}},
}
