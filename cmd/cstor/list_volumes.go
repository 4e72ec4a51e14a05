package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/libpoddb"
)

// volumeRow is a volume as a table shows it.
type volumeRow struct {
	Name         string
	Driver       string
	Mountpoint   string
	CreatedAt    string
	CreatedSince string
	Created      string
	Containers   []string // names of those that use it
	Labels       map[string]string
	Options      map[string]string
	Anonymous    bool
	Store        string
}

// volumeDetail is a volume in the output of list-volumes --format json.
type volumeDetail struct {
	Name       string            `json:"name"`
	Driver     string            `json:"driver"`
	Mountpoint string            `json:"mountpoint,omitempty"`
	Created    time.Time         `json:"created"`
	Labels     map[string]string `json:"labels,omitempty"`
	Options    map[string]string `json:"options,omitempty"` // the driver's
	Anonymous  bool              `json:"anonymous"`         // is removed with its container
	UID        int               `json:"uid"`
	GID        int               `json:"gid"`
	ImageID    string            `json:"imageID,omitempty"` // of an image volume
	Containers []podContainer    `json:"containers"`        // that use it
	Store      string            `json:"store"`
}

func (a *app) listVolumes() *cobra.Command {
	l := listing[volumeRow]{
		id:    func(r volumeRow) string { return r.Name },
		whole: true,
		heads: map[string]string{"Name": "VOLUME NAME", "CreatedSince": "CREATED"},
	}
	cmd := &cobra.Command{
		Use:               "list-volumes",
		Aliases:           []string{"volumes"},
		Short:             "List podman's volumes",
		Example:           "  cstor list-volumes\n  cstor list-volumes --format '{{.Name}} {{.Mountpoint}}'",
		Args:              args(0, 0, "no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := a.open(cmd)
		if err != nil {
			return err
		}
		defer s.Close()
		databases, err := a.databases(cmd, s)
		if err != nil {
			return err
		}
		details, rows := []volumeDetail{}, []volumeRow{}
		now := time.Now()
		for _, db := range databases {
			for _, v := range db.Volumes() {
				details = append(details, volumeOf(db, v))
				rows = append(rows, volumeRowOf(db, v, now))
			}
		}
		if l.format == "json" && !l.quiet {
			return printJSON(a.stdout, details)
		}
		l.columns = volumeColumns
		return l.print(a.stdout, rows)
	}
	l.flags(cmd, "names")
	return cmd
}

var volumeColumns = []column[volumeRow]{
	{"DRIVER", false, func(r volumeRow) string { return r.Driver }},
	{"VOLUME NAME", true, func(r volumeRow) string { return r.Name }},
	{"CREATED", false, func(r volumeRow) string { return r.CreatedSince }},
	{"CONTAINERS", true, func(r volumeRow) string { return strings.Join(r.Containers, ",") }},
}

func volumeRowOf(db *libpoddb.Database, v *libpoddb.Volume, now time.Time) volumeRow {
	r := volumeRow{
		Name: v.Name, Driver: v.Driver, Mountpoint: v.Mountpoint, CreatedAt: v.Created.UTC().Format(time.RFC3339), CreatedSince: ago(v.Created, now),
		Labels: v.Labels, Options: v.Options, Anonymous: v.Anonymous, Store: db.Store,
	}
	r.Created = r.CreatedSince
	for _, c := range v.Containers {
		r.Containers = append(r.Containers, c.Name)
	}
	return r
}

func volumeOf(db *libpoddb.Database, v *libpoddb.Volume) volumeDetail {
	d := volumeDetail{
		Name: v.Name, Driver: v.Driver, Mountpoint: v.Mountpoint, Created: v.Created, Labels: v.Labels, Options: v.Options, Anonymous: v.Anonymous,
		UID: v.UID, GID: v.GID, ImageID: v.ImageID, Containers: []podContainer{}, Store: db.Store,
	}
	for _, c := range v.Containers {
		d.Containers = append(d.Containers, podContainer{c.ID, c.Name, c.State.String()})
	}
	return d
}
