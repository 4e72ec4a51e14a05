package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// containerRow is a container as a table shows it. Templates have podman's names for
// what is in its own listings.
type containerRow struct {
	ID           string
	Names        string
	Image        string
	ImageID      string
	Command      string
	CreatedAt    string
	CreatedSince string
	Created      string
	RunningFor   string
	State        string
	Status       string
	ExitCode     int
	Pid          int
	Restarts     int
	Ports        string
	Pod, PodName string
	Labels       map[string]string
	Mounts       []string
	Networks     []string
	IsInfra      bool
	Store        string
}

func (a *app) listContainers() *cobra.Command {
	l := listing[containerRow]{
		id:    func(r containerRow) string { return r.ID },
		heads: map[string]string{"ID": "CONTAINER ID", "CreatedSince": "CREATED", "PodName": "POD NAME", "Pod": "POD ID", "IsInfra": "IS INFRA"},
	}
	cmd := &cobra.Command{
		Use:     "list-containers",
		Aliases: []string{"containers", "ps"},
		Short:   "List all containers, whether or not they run, oldest first",
		Long: `List all containers, whether or not they run, oldest first: those of podman, with
what its database says of them, and those of buildah, CRI-O and others, which the
store knows by image and name only.

State and status are what podman wrote last. A container that ended a moment ago
may be shown as running until podman notices.`,
		Example: "  cstor list-containers\n  cstor list-containers --format '{{.Names}} {{.State}} {{.ExitCode}}'",
		Args:    args(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := a.containers(cmd, s)
			if err != nil {
				return err
			}
			if l.format == "json" && !l.quiet {
				details := make([]containerDetail, 0, len(all))
				for _, c := range all {
					details = append(details, c.detail())
				}
				return printJSON(a.stdout, details)
			}
			rows := make([]containerRow, 0, len(all))
			now := time.Now()
			for _, c := range all {
				rows = append(rows, c.row(l.noTrunc || l.quiet, now))
			}
			l.columns = containerColumns
			return l.print(a.stdout, rows)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	l.flags(cmd, "ids")
	return cmd
}

var containerColumns = []column[containerRow]{
	{"CONTAINER ID", false, func(r containerRow) string { return r.ID }},
	{"IMAGE", true, func(r containerRow) string { return cmp.Or(r.Image, "-") }},
	{"COMMAND", true, func(r containerRow) string { return r.Command }},
	{"CREATED", false, func(r containerRow) string { return r.CreatedSince }},
	{"STATUS", false, func(r containerRow) string { return r.Status }},
	{"PORTS", true, func(r containerRow) string { return r.Ports }},
	{"POD", true, func(r containerRow) string { return cmp.Or(r.PodName, r.Pod) }},
	{"NAMES", true, func(r containerRow) string { return cmp.Or(r.Names, "-") }},
}

func (c *container) row(full bool, now time.Time) containerRow {
	trunc, command := short, podmanShort
	if full {
		trunc = func(s string) string { return s }
		command = trunc
	}
	created := c.created()
	r := containerRow{
		ID: trunc(c.id()), Names: strings.Join(c.names(), ","), Image: c.image(), ImageID: trunc(c.imageID()), State: c.state(), Status: c.status(now),
		CreatedAt: created.UTC().Format(time.RFC3339), CreatedSince: ago(created, now), Store: c.store,
	}
	if r.Image == c.imageID() {
		r.Image = r.ImageID
	}
	r.Created, r.RunningFor = r.CreatedSince, r.CreatedSince
	p := c.podman
	if p == nil {
		return r
	}
	r.Command, r.ExitCode, r.Pid, r.Restarts = command(strings.Join(p.Command, " ")), p.ExitCode, p.PID, p.Restarts
	r.Pod, r.PodName, r.Labels, r.Networks, r.IsInfra = trunc(p.PodID), p.PodName, p.Labels, p.Networks, p.Infra
	var ports []string
	for _, port := range p.Ports {
		ports = append(ports, port.String())
	}
	r.Ports = strings.Join(append(ports, p.Exposed...), ", ")
	for _, m := range p.Mounts {
		r.Mounts = append(r.Mounts, m.Destination)
	}
	return r
}

// podmanShort is a command as podman's tables show it.
func podmanShort(command string) string {
	if len(command) > 17 {
		return command[:17] + "..."
	}
	return command
}

// capital begins a text with a capital letter.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
