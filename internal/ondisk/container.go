package ondisk

import "time"

// Container is one record of containers.json or volatile-containers.json
// (container-libs storage/containers.go:Container).
type Container struct {
	ID    string   `json:"id"`
	Names []string `json:"names"`
	// Image is the id of the image it was made from; empty if from none.
	Image string `json:"image"`
	// Layer is the id of the container's writable layer.
	Layer string `json:"layer"`
	// Metadata is a JSON text of the writer's own (podman and buildah keep the
	// image's name, the container's name and the time of creation there).
	Metadata string    `json:"metadata"`
	Created  time.Time `json:"created"`
	UIDMap   []IDMap   `json:"uidmap"`
	GIDMap   []IDMap   `json:"gidmap"`
	// Flags holds "Volatile" (bool), "MountLabel", "ProcessLabel" and "MountOpts".
	Flags map[string]any `json:"flags"`
	BigData
}
