package libpoddb

import (
	"cmp"
	"fmt"
	"time"
)

// Volume is a named volume.
type Volume struct {
	Name   string
	Driver string // "local", "image", or a plugin's
	// Mountpoint is the directory that has its content; empty if that is not mounted.
	Mountpoint string
	Created    time.Time
	Labels     map[string]string
	// Options are the driver's.
	Options map[string]string
	// Anonymous volumes are removed with the container they were made for.
	Anonymous bool
	// UID and GID own its directory. Where an int has 32 bits, ids from 2^31 on are
	// negative here: uint32(UID) is the id everywhere.
	UID, GID int
	// ImageID is of the image that an image volume shows.
	ImageID string
	// Mounts counts how many containers have it mounted, of those that must be mounted.
	Mounts int
	// Containers that use it, in the order of their names.
	Containers []*Container
}

// volumeConfig are the fields of VolumeConfig.JSON that are of interest (podman
// libpod/volume.go:VolumeConfig, v5.8).
type volumeConfig struct {
	Labels         map[string]string `json:"labels"`
	Driver         string            `json:"volumeDriver"`
	MountPoint     string            `json:"mountPoint"`
	CreatedTime    time.Time         `json:"createdAt"`
	Options        map[string]string `json:"volumeOptions"`
	IsAnon         bool              `json:"isAnon"`
	UID            int64             `json:"uid"` // up to 2^32-2
	GID            int64             `json:"gid"`
	StorageImageID string            `json:"storageImageID"`
}

// volumeState are those of VolumeState.JSON (libpod/volume.go:VolumeState). A plugin says
// there where it has mounted the volume.
type volumeState struct {
	MountPoint string `json:"mountPoint"`
	MountCount uint32 `json:"mountCount"`
}

// parseVolume makes a volume of the JSON texts of its two rows; the state may be missing.
func parseVolume(name string, configJSON, stateJSON []byte) (*Volume, error) {
	var config volumeConfig
	var state volumeState
	if err := decode(configJSON, &config); err != nil {
		return nil, fmt.Errorf("configuration of volume %s: %w", name, err)
	}
	if len(stateJSON) > 0 {
		if err := decode(stateJSON, &state); err != nil {
			return nil, fmt.Errorf("state of volume %s: %w", name, err)
		}
	}
	driver, mountpoint := cmp.Or(config.Driver, "local"), config.MountPoint
	if driver != "local" { // libpod/volume.go:mountPoint
		mountpoint = state.MountPoint
	}
	return &Volume{
		Name: name, Driver: driver, Mountpoint: mountpoint,
		Created: config.CreatedTime, Labels: config.Labels, Options: config.Options, Anonymous: config.IsAnon,
		UID: int(config.UID), GID: int(config.GID), ImageID: config.StorageImageID, Mounts: int(state.MountCount),
	}, nil
}
