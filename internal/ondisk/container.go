package ondisk

import "time"

// Container is one record of containers.json or volatile-containers.json
// (container-libs storage/containers.go:Container).
type Container struct {
	ID    string
	Names []string
	// Image is the id of the image it was made from; empty if from none.
	Image string
	// Layer is the id of the container's writable layer.
	Layer string
	// Metadata is a JSON text of the writer's own (podman and buildah keep the
	// image's name, the container's name and the time of creation there).
	Metadata string
	Created  time.Time
	UIDMap   []IDMap
	GIDMap   []IDMap
	// Flags holds "Volatile" (bool), "MountLabel", "ProcessLabel" and "MountOpts".
	Flags map[string]any
	BigData
}
