package storageconf

import (
	"slices"
)

// Request is what an answer depends on. Only FS is required.
type Request struct {
	// FS reads configuration. For a mounted system it is rooted there.
	FS FS
	// Getenv looks an environment variable up, as [os.LookupEnv] does. Nil means
	// that no variable is set.
	Getenv func(name string) (value string, ok bool)
	// UID is the user id of the process, or of the user whose store is looked
	// for. $_CONTAINERS_ROOTLESS_UID replaces it where it says whose store is
	// meant, so that inside "podman unshare", where UID is 0, the user's store is
	// found. The runtime directory must belong to UID itself.
	UID int
	// Home is used where $HOME is unset or empty; usually the home directory of
	// the user database. Empty means unknown.
	Home string
	// ConfigFile, if not empty, is the main file in place of all others and of
	// $CONTAINERS_STORAGE_CONF, under the same rules: it must exist, drop-ins
	// are not read, $CONTAINERS_STORAGE_CONF_OVERRIDE still is.
	ConfigFile string

	// RunRoot, ImageStore and Driver, if not empty, replace what was configured. The
	// first two must be absolute.
	RunRoot, ImageStore, Driver string
}

// Config is the place and shape of one storage. All paths are absolute, clean
// and without NUL or newline; none is known to exist.
type Config struct {
	// GraphRoot is where images, layers and containers are. Never empty. A
	// configured one has its links resolved, a default one is as the library
	// names it.
	GraphRoot string
	// RunRoot is where volatile state is. It is empty if the user's runtime
	// directory cannot be told or is not safe to read (writable by others).
	RunRoot string
	// Driver is "overlay", "vfs", "btrfs", … as configured, never "overlay2". Empty
	// means that none is configured: see [PickDriver].
	Driver string
	// DriverPriority is the configured order of preference, empty if none.
	DriverPriority []string
	// ImageStore holds images apart from containers; empty if they are together.
	ImageStore string
	// AdditionalImageStores are read-only graph roots, in order of lookup. They
	// come from the driver options, of Driver or, while that is empty, of
	// overlay; [Config.WithDriver] reads them anew.
	AdditionalImageStores []string
	// AdditionalLayerStores are read-only stores of single layers, in order.
	// Only overlay has them.
	AdditionalLayerStores []LayerStore
	// Transient says that the records of containers are kept in RunRoot.
	Transient bool
	// Rootless says that the per-user rules were applied: UID is not 0.
	Rootless bool
	// UID is whose storage this is.
	UID int
	// MountProgram is overlay's FUSE helper, if any: layers written with it hold
	// .wh. files in place of whiteout devices.
	MountProgram string
	// ForceMask is overlay's "shared", "private" or octal digits, as written; empty
	// if unset. Owners and modes are then in extended attributes.
	ForceMask string
	// DriverOptions are the options from which the fields above were taken, in
	// order; a later one wins. Options of no use to a reader are not among them,
	// unless they come from $STORAGE_OPTS, which is taken whole.
	DriverOptions []DriverOption
	// Rules are those that gave this answer. If both agree it is RulesNew.
	Rules Rules
}

// LayerStore is an additional layer store.
type LayerStore struct {
	Path string // absolute and clean
	Ref  bool   // layers lie below a directory per image reference (":ref")
}

// DriverOption is one option for the graph driver.
type DriverOption struct {
	Text   string // "[driver.]key=value"
	Source string // file or "$STORAGE_OPTS"
}

// Result is the answer of [Discover].
type Result struct {
	// Config is the answer that counts.
	Config
	// Other is the answer of the other rules, where it would lead a reader
	// elsewhere; nil if both agree or the other rules give none (the trace then
	// says why).
	Other *Config
	// Trace lists what was considered: all of the new rules, all of the old,
	// then the choice between them.
	Trace []Step
}

// clone returns a copy that shares nothing with c.
func (c Config) clone() Config {
	c.DriverPriority = slices.Clone(c.DriverPriority)
	c.AdditionalImageStores = slices.Clone(c.AdditionalImageStores)
	c.AdditionalLayerStores = slices.Clone(c.AdditionalLayerStores)
	c.DriverOptions = slices.Clone(c.DriverOptions)
	return c
}
