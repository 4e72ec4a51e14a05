package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/libpoddb"
)

// databases reads podman's databases of the stores of s, as podman would have them today:
// those from before the machine booted tell of nothing that runs. One that cannot be read
// is a warning: the lists of the store answer the rest.
func (a *app) databases(cmd *cobra.Command, s *cstor.Storage) ([]*libpoddb.Database, error) {
	all, err := libpoddb.Read(cmd.Context(), s, libpoddb.Options{})
	for _, one := range unjoin(err) {
		if failed := (*libpoddb.Error)(nil); !errors.As(one, &failed) || cmd.Context().Err() != nil {
			return nil, one
		}
		a.warn(one)
	}
	for n, db := range all {
		for _, problem := range db.Problems {
			a.warn(&libpoddb.Error{Store: db.Store, File: db.File, Err: problem})
		}
		if a.sysroot != "" {
			continue // it was another system that booted, or did not
		}
		if rebooted, known := db.Rebooted(); known && rebooted {
			all[n] = db.AfterBoot()
		}
	}
	return all, nil
}

// unjoin are the errors that errors.Join joined.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// container is one as a store's lists and podman's database have it. Either may lack it:
// podman does not know those of other tools, and the lists have none whose root file
// system is a directory elsewhere.
type container struct {
	stored *cstor.Container
	podman *libpoddb.Container
	store  string
	read   bool           // podman's database of its store was read
	images *cstor.Storage // to look names of images up
}

// containers are all, in the order of their creation.
func (a *app) containers(cmd *cobra.Command, s *cstor.Storage) ([]container, error) {
	databases, err := a.databases(cmd, s)
	if err != nil {
		return nil, err
	}
	byStore := map[string]*libpoddb.Database{}
	for _, db := range databases {
		byStore[db.Store] = db
	}
	var all []container
	have := map[*libpoddb.Container]bool{}
	for stored, err := range s.Containers() {
		if err != nil {
			return nil, err
		}
		c := container{stored: stored, images: s}
		c.store, _ = stored.Store()
		if db := byStore[c.store]; db != nil {
			c.podman, c.read = db.Container(stored.ID()), true
			have[c.podman] = true
		}
		all = append(all, c)
	}
	for _, db := range databases {
		for _, known := range db.Containers() {
			if !have[known] {
				all = append(all, container{podman: known, store: db.Store, read: true, images: s})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y container) int { return x.created().Compare(y.created()) })
	return all, nil
}

func (c *container) id() string {
	if c.stored != nil {
		return c.stored.ID()
	}
	return c.podman.ID
}

// names are podman's name, and what else the store's list has.
func (c *container) names() []string {
	var all []string
	if c.podman != nil {
		all = append(all, c.podman.Name)
	}
	if c.stored != nil {
		all = append(all, c.stored.Names()...)
	}
	return unique(all)
}

// unique removes what is there already.
func unique(all []string) []string {
	var once []string
	for _, text := range all {
		if !slices.Contains(once, text) {
			once = append(once, text)
		}
	}
	return once
}

func (c *container) created() time.Time {
	if c.podman != nil && !c.podman.Created.IsZero() {
		return c.podman.Created
	}
	if c.stored != nil {
		return c.stored.Created()
	}
	return time.Time{}
}

// state is podman's word for it; "storage" for a container that it does not manage, as its
// own listings say; empty if that is not known.
func (c *container) state() string {
	switch {
	case c.podman != nil:
		return c.podman.State.String()
	case c.read:
		return "storage"
	}
	return ""
}

func (c *container) imageID() string {
	if c.stored != nil {
		return c.stored.ImageID()
	}
	return c.podman.ImageID
}

// image is the name by which the image was taken, as far as that is noted, or one that it
// has now.
func (c *container) image() string {
	if c.podman != nil && c.podman.ImageName != "" {
		return c.podman.ImageName
	}
	if c.stored == nil {
		return ""
	}
	// podman, buildah and CRI-O each write that in a JSON text of their own.
	var noted struct {
		Name string `json:"image-name"`
	}
	if json.Unmarshal([]byte(c.stored.Metadata()), &noted) == nil && noted.Name != "" {
		return noted.Name
	}
	id := c.stored.ImageID()
	if id == "" {
		return ""
	}
	if i, err := c.images.Image(id); err == nil && len(i.Names()) > 0 {
		return i.Names()[0]
	}
	return id
}

// status is the state in podman's words for people.
func (c *container) status(now time.Time) string {
	state := c.state()
	switch p := c.podman; state {
	case "":
		return ""
	case "running":
		return "Up " + lasting(p.Started, now)
	case "exited", "stopped":
		text := "Exited (" + strconv.Itoa(p.ExitCode) + ")"
		if p.Finished.IsZero() {
			return text
		}
		return text + " " + ago(p.Finished, now)
	default:
		return capital(state)
	}
}

// lasting is how long something has been so since t.
func lasting(t, now time.Time) string {
	text := ago(t, now)
	if text == "just now" {
		return "a moment"
	}
	return strings.TrimSuffix(text, " ago")
}
