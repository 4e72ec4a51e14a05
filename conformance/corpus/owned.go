package corpus

const masked = fuse + "force_mask = \"shared\"\n"

var owned = []string{"owned"}

// Owned lists stores with containers that have id maps of their own, on every driver and as root and as an ordinary user, and
// stores with force_mask. They are apart from [Table], because only owners are asked about. The machine itself writes none: it
// need not be one that can run containers.
var Owned = []Corpus{
	{Name: "trixie-root-owned", Peer: "trixie", Driver: "overlay", Steps: owned},
	{Name: "trixie-root-vfs-owned", Peer: "trixie", Driver: "vfs", Steps: owned},
	{Name: "trixie-root-fuse-owned", Peer: "trixie", Driver: "overlay", Options: fuse, Steps: owned},
	{Name: "trixie-root-masked-owned", Peer: "trixie", Driver: "overlay", Options: masked, Steps: owned},
	{Name: "trixie-user-owned", Peer: "trixie", User: true, Driver: "overlay", Steps: owned},
	{Name: "trixie-user-vfs-owned", Peer: "trixie", User: true, Driver: "vfs", Steps: owned},
	{Name: "trixie-user-fuse-owned", Peer: "trixie", User: true, Driver: "overlay", Options: fuse, Steps: owned},
	{Name: "trixie-user-masked-owned", Peer: "trixie", User: true, Driver: "overlay", Options: masked, Steps: owned},

	{Name: "sid-root-owned", Peer: "sid", Driver: "overlay", Steps: owned},
	{Name: "sid-root-vfs-owned", Peer: "sid", Driver: "vfs", Steps: owned},
	{Name: "sid-root-fuse-owned", Peer: "sid", Driver: "overlay", Options: fuse, Steps: owned},
	{Name: "sid-root-masked-owned", Peer: "sid", Driver: "overlay", Options: masked, Steps: owned},
	{Name: "sid-user-owned", Peer: "sid", User: true, Driver: "overlay", Steps: owned},
	{Name: "sid-user-vfs-owned", Peer: "sid", User: true, Driver: "vfs", Steps: owned},
	{Name: "sid-user-fuse-owned", Peer: "sid", User: true, Driver: "overlay", Options: fuse, Steps: owned},
	{Name: "sid-user-masked-owned", Peer: "sid", User: true, Driver: "overlay", Options: masked, Steps: owned},
}
