package changes

// Kind of a change.
type Kind string

// Kinds of changes, as podman and docker write them.
const (
	Modified Kind = "C"
	Added    Kind = "A"
	Deleted  Kind = "D"
)

// Change is one thing that is not as it was.
type Change struct {
	Kind Kind
	Path string // absolute, any bytes
}

// String is the change as "podman diff" prints it.
func (c Change) String() string { return string(c.Kind) + " " + c.Path }

// Options of [Of]. The zero value is ready to use.
type Options struct {
	// All tells also of the paths that every engine makes in a container, to mount upon
	// them, and that "podman diff" leaves out: /dev, /proc, /sys, /run, /etc/hosts and so
	// on, those alone and not what is below them.
	All bool
}

// engine are these paths (podman libpod/diff.go:initInodes, 4.3 to 6.0;
// libpod/define: ContainerInitPath).
var engine = map[string]bool{
	"/dev": true, "/proc": true, "/sys": true, "/run": true, "/run/notify": true, "/run/secrets": true, "/run/.containerenv": true,
	"/run/podman-init": true, "/etc/hostname": true, "/etc/hosts": true, "/etc/resolv.conf": true, "/etc/mtab": true,
}
