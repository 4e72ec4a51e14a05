package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/libpoddb"
)

// podRow is a pod as a table shows it.
type podRow struct {
	ID                 string
	Name               string
	Status             string
	CreatedAt          string
	CreatedSince       string
	Created            string
	InfraID            string
	NumberOfContainers int
	Containers         []string // names
	Labels             map[string]string
	Store              string
}

// podDetail is a pod in the output of list-pods --format json.
type podDetail struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	Status        string            `json:"status"` // Created, Running, Degraded, Paused, Stopped, Exited or Error
	Created       time.Time         `json:"created"`
	InfraID       string            `json:"infraID,omitempty"` // of the container that holds its namespaces
	Containers    []podContainer    `json:"containers"`        // that one among them
	Labels        map[string]string `json:"labels,omitempty"`
	Hostname      string            `json:"hostname,omitempty"`
	RestartPolicy string            `json:"restartPolicy,omitempty"`
	Namespace     string            `json:"namespace,omitempty"`
	CreateCommand []string          `json:"createCommand,omitempty"`
	Store         string            `json:"store"`
}

type podContainer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

func (a *app) listPods() *cobra.Command {
	l := listing[podRow]{
		id:    func(r podRow) string { return r.ID },
		heads: map[string]string{"ID": "POD ID", "CreatedSince": "CREATED", "InfraID": "INFRA ID", "NumberOfContainers": "# OF CONTAINERS"},
	}
	cmd := &cobra.Command{
		Use:               "list-pods",
		Aliases:           []string{"pods"},
		Short:             "List podman's pods",
		Example:           "  cstor list-pods\n  cstor list-pods --format '{{.Name}} {{.Status}} {{join .Containers \",\"}}'",
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
		details, rows := []podDetail{}, []podRow{}
		now := time.Now()
		for _, db := range databases {
			for _, p := range db.Pods() {
				details = append(details, podOf(db, p))
				rows = append(rows, podRowOf(db, p, l.noTrunc || l.quiet, now))
			}
		}
		if l.format == "json" && !l.quiet {
			return printJSON(a.stdout, details)
		}
		l.columns = podColumns
		return l.print(a.stdout, rows)
	}
	l.flags(cmd, "ids")
	return cmd
}

var podColumns = []column[podRow]{
	{"POD ID", false, func(r podRow) string { return r.ID }},
	{"NAME", true, func(r podRow) string { return r.Name }},
	{"STATUS", false, func(r podRow) string { return r.Status }},
	{"CREATED", false, func(r podRow) string { return r.CreatedSince }},
	{"INFRA ID", false, func(r podRow) string { return cmp.Or(r.InfraID, "-") }},
	{"# OF CONTAINERS", false, func(r podRow) string { return number(r.NumberOfContainers) }},
}

func podRowOf(db *libpoddb.Database, p *libpoddb.Pod, full bool, now time.Time) podRow {
	trunc := short
	if full {
		trunc = func(s string) string { return s }
	}
	r := podRow{
		ID: trunc(p.ID), Name: p.Name, Status: p.Status(), CreatedAt: p.Created.UTC().Format(time.RFC3339), CreatedSince: ago(p.Created, now),
		InfraID: trunc(p.InfraID), NumberOfContainers: len(p.Containers), Labels: p.Labels, Store: db.Store,
	}
	r.Created = r.CreatedSince
	for _, c := range p.Containers {
		r.Containers = append(r.Containers, c.Name)
	}
	return r
}

func podOf(db *libpoddb.Database, p *libpoddb.Pod) podDetail {
	d := podDetail{
		ID: p.ID, Name: p.Name, Status: p.Status(), Created: p.Created, InfraID: p.InfraID, Containers: []podContainer{}, Labels: p.Labels,
		Hostname: p.Hostname, RestartPolicy: p.Restart, Namespace: p.Namespace, CreateCommand: p.CreateCommand, Store: db.Store,
	}
	for _, c := range p.Containers {
		d.Containers = append(d.Containers, podContainer{c.ID, c.Name, c.State.String()})
	}
	return d
}
