package libpoddb

import (
	"cmp"
	"maps"
	"slices"
)

// Database is what one database of podman's said at one moment. Nothing of it changes any
// more; it is safe for concurrent use, and must not be written to.
type Database struct {
	Store string // the root of the store that it belongs to, as [cstor.Container.Store] has it
	User  string // whose store that is, in a mounted system; else empty
	File  string // its path, for messages

	Config Config
	// Problems are rows that could not be read, and were left out.
	Problems []error

	containers map[string]*Container // by id
	pods       map[string]*Pod
	volumes    map[string]*Volume // by name
}

// Config is where podman keeps what belongs to the database. All are zero in one that
// podman has not finished making.
type Config struct {
	SchemaVersion int
	OS            string // "linux"
	StaticDir     string // directories of the system that podman ran in
	TmpDir        string
	GraphRoot     string
	RunRoot       string
	GraphDriver   string
	VolumeDir     string
}

// Containers are those that podman manages, in the order of their names. Of buildah's and
// other tools' it knows nothing.
func (d *Database) Containers() []*Container {
	return ordered(d.containers, func(a, b *Container) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
}

// Container is the one with this full id, or nil.
func (d *Database) Container(id string) *Container { return d.containers[id] }

// Pods are in the order of their names.
func (d *Database) Pods() []*Pod {
	return ordered(d.pods, func(a, b *Pod) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
}

// Pod is the one with this full id, or nil.
func (d *Database) Pod(id string) *Pod { return d.pods[id] }

// Volumes are in the order of their names.
func (d *Database) Volumes() []*Volume {
	return ordered(d.volumes, func(a, b *Volume) int { return cmp.Compare(a.Name, b.Name) })
}

// Volume is the one with this name, or nil.
func (d *Database) Volume(name string) *Volume { return d.volumes[name] }

func ordered[T any](all map[string]T, compare func(a, b T) int) []T {
	return slices.SortedFunc(maps.Values(all), compare)
}

// AfterBoot is what podman makes of the database when it notices a boot: of what ran then
// nothing runs any more. It is for a database that was last used before the machine
// booted: see [Database.Rebooted]. Containers that podman removes at that moment
// (AutoRemove if they are Exited now, and those that are Removing) are still there.
func (d *Database) AfterBoot() *Database {
	after := *d
	after.containers, after.pods, after.volumes = map[string]*Container{}, map[string]*Pod{}, map[string]*Volume{}
	for id, c := range d.containers {
		now := *c
		now.State, now.PID, now.Restarts = c.State.afterBoot(), 0, 0
		after.containers[id] = &now
	}
	with := func(all []*Container) []*Container {
		all = slices.Clone(all)
		for n, c := range all {
			all[n] = after.containers[c.ID]
		}
		return all
	}
	for id, p := range d.pods {
		now := *p
		now.Containers = with(p.Containers)
		after.pods[id] = &now
	}
	for name, v := range d.volumes {
		now := *v
		now.Mounts, now.Containers = 0, with(v.Containers)
		after.volumes[name] = &now
	}
	return &after
}

// join makes the parts known to each other.
func (d *Database) join(uses []volumeUse) {
	for _, c := range d.Containers() {
		if p := d.pods[c.PodID]; p != nil {
			c.PodName = p.Name
			p.Containers = append(p.Containers, c)
		}
		// A container that uses another's network has its ports (libpod/container.go:
		// PortMappings); chains of them are not made, but could be recorded.
		for owner, steps := c, 0; owner.networkOf != "" && steps < 8; steps++ {
			if owner = d.containers[owner.networkOf]; owner == nil {
				break
			}
			c.Ports = owner.Ports
		}
	}
	for _, use := range uses {
		c, v := d.containers[use.container], d.volumes[use.volume]
		if c != nil && v != nil {
			v.Containers = append(v.Containers, c)
		}
	}
	for _, v := range d.volumes {
		slices.SortFunc(v.Containers, func(a, b *Container) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
		v.Containers = slices.Compact(v.Containers)
	}
}
