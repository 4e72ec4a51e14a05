package corpus

import "github.com/cstor-go/cstor/conformance/peers"

const metacopy = "[storage.options.overlay]\nmountopt = \"nodev,metacopy=on\"\n"

var diffed = []string{"diffed"}

// Diffed lists stores with containers that have changed what their images have, in every way; with metacopy, which
// some distributions set, directories are renamed and files' metadata changed without copying. On the machine itself none
// is run: it need not be one that can run containers.
var Diffed = []Corpus{
	{Name: "machine-root-diffed", Peer: peers.Machine, Driver: "overlay", Steps: []string{"diffed-mounted"}},

	{Name: "trixie-root-diffed", Peer: "trixie", Driver: "overlay", Steps: diffed},
	{Name: "trixie-root-vfs-diffed", Peer: "trixie", Driver: "vfs", Steps: diffed},
	{Name: "trixie-root-fuse-diffed", Peer: "trixie", Driver: "overlay", Options: fuse, Steps: diffed},
	{Name: "trixie-root-metacopy-diffed", Peer: "trixie", Driver: "overlay", Options: metacopy, Steps: diffed},
	{Name: "trixie-user-diffed", Peer: "trixie", User: true, Driver: "overlay", Steps: diffed},

	{Name: "sid-root-diffed", Peer: "sid", Driver: "overlay", Steps: diffed},
	{Name: "sid-root-metacopy-diffed", Peer: "sid", Driver: "overlay", Options: metacopy, Steps: diffed},
	{Name: "sid-user-diffed", Peer: "sid", User: true, Driver: "overlay", Steps: diffed},
}
