package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/libpoddb"
)

// containerDetail is the output of inspect-container, and a container in that of other
// commands. Its JSON is an interface for programs: fields are added, not changed.
type containerDetail struct {
	ID       string    `json:"id"`
	Names    []string  `json:"names"`
	Image    string    `json:"image,omitempty"` // name by which it was taken
	ImageID  string    `json:"imageID,omitempty"`
	Layer    string    `json:"layer,omitempty"`
	Created  time.Time `json:"created"`
	Podman   bool      `json:"podman"`          // what is below was read from its database
	State    string    `json:"state,omitempty"` // podman's word; "storage" if podman does not manage it; "" if not known
	Exited   bool      `json:"exited"`
	ExitCode int       `json:"exitCode"` // counts if exited
	PID      int       `json:"pid,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	Error    string    `json:"error,omitempty"`

	OOMKilled     bool              `json:"oomKilled,omitempty"`
	Pod           string            `json:"pod,omitempty"` // id
	PodName       string            `json:"podName,omitempty"`
	Infra         bool              `json:"infra,omitempty"`
	Service       bool              `json:"service,omitempty"`
	Entrypoint    []string          `json:"entrypoint,omitempty"`
	Command       []string          `json:"command,omitempty"`
	Args          []string          `json:"args,omitempty"` // the program and its arguments, all of them
	Env           []string          `json:"env,omitempty"`
	WorkingDir    string            `json:"workingDir,omitempty"`
	User          string            `json:"user,omitempty"`
	Hostname      string            `json:"hostname,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	Ports         []libpoddb.Port   `json:"ports,omitempty"`
	Exposed       []string          `json:"exposed,omitempty"`
	NetworkMode   string            `json:"networkMode,omitempty"`
	Networks      []string          `json:"networks,omitempty"`
	Mounts        []libpoddb.Mount  `json:"mounts,omitempty"`
	RestartPolicy string            `json:"restartPolicy,omitempty"`
	Restarts      int               `json:"restarts,omitempty"`
	AutoRemove    bool              `json:"autoRemove,omitempty"`
	Dependencies  []string          `json:"dependencies,omitempty"` // ids
	Rootfs        string            `json:"rootfs,omitempty"`       // directory, in the place of an image
	Runtime       string            `json:"runtime,omitempty"`
	Namespace     string            `json:"namespace,omitempty"`
	CreateCommand []string          `json:"createCommand,omitempty"`

	UIDMap   []idMap  `json:"uidMap,omitempty"`
	GIDMap   []idMap  `json:"gidMap,omitempty"`
	BigData  []string `json:"bigData,omitempty"`
	Metadata string   `json:"metadata,omitempty"`
	Store    string   `json:"store"`
}

func (a *app) inspectContainer() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect-container CONTAINER",
		Short: "Show what is known of a container",
		Long: `Show what the store and, where it is podman's, podman's database say of a container:
its image, layer, state, command, ports, mounts. State is what podman wrote last.`,
		Example: "  cstor inspect-container web\n  cstor inspect-container --format '{{.State}} {{.ExitCode}} {{json .Mounts}}' web",
		Args:    args(1, 1, "one CONTAINER"),
		RunE: func(cmd *cobra.Command, got []string) error {
			s, err := a.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := a.containers(cmd, s)
			if err != nil {
				return err
			}
			c, err := pickContainer(s, all, got[0])
			if err != nil {
				return err
			}
			return printOne(a.stdout, format, c.detail())
		},
		ValidArgsFunction: a.completeContainer(1),
	}
	cmd.Flags().StringVar(&format, "format", "json", "print as \"json\" or by a Go `TEMPLATE`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// pickContainer finds a container as the store does, else among those that podman alone
// knows.
func pickContainer(s *cstor.Storage, all []container, ref string) (*container, error) {
	stored, err := findContainer(s, ref)
	if err == nil {
		root, _ := stored.Store()
		n := slices.IndexFunc(all, func(c container) bool { return c.stored != nil && c.id() == stored.ID() && c.store == root })
		if n < 0 { // the store was changed, and read again
			return &container{stored: stored, store: root, images: s}, nil
		}
		return &all[n], nil
	}
	if !errors.Is(err, cstor.ErrNotFound) || ref == "" {
		return nil, err
	}
	var found []*container
	for n := range all {
		switch c := &all[n]; {
		case c.stored != nil || !strings.HasPrefix(c.id(), ref) && c.podman.Name != ref:
		case c.id() == ref || c.podman.Name == ref:
			return c, nil
		default:
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		several := &cstor.AmbiguousError{Kind: "container", Ref: ref}
		for _, c := range found {
			several.Candidates = append(several.Candidates, c.podman.Name)
		}
		return nil, several
	}
	return nil, err
}

// detail is everything that is known of a container.
func (c *container) detail() containerDetail {
	d := containerDetail{
		ID: c.id(), Names: list(c.names()), Image: c.image(), ImageID: c.imageID(), Created: c.created(), State: c.state(), Store: c.store,
	}
	if s := c.stored; s != nil {
		d.Layer, d.BigData, d.Metadata = s.LayerID(), s.BigDataNames(), s.Metadata()
		for _, m := range s.UIDMap() {
			d.UIDMap = append(d.UIDMap, idMap(m))
		}
		for _, m := range s.GIDMap() {
			d.GIDMap = append(d.GIDMap, idMap(m))
		}
	}
	p := c.podman
	if p == nil {
		return d
	}
	d.Podman = true
	d.Exited, d.ExitCode, d.PID, d.Started, d.Finished, d.Error, d.OOMKilled = p.Exited, p.ExitCode, p.PID, p.Started, p.Finished, p.Error, p.OOMKilled
	d.Pod, d.PodName, d.Infra, d.Service, d.Namespace = p.PodID, p.PodName, p.Infra, p.Service, p.Namespace
	d.Entrypoint, d.Command, d.Args, d.Env, d.WorkingDir, d.User, d.Hostname = p.Entrypoint, p.Command, p.Args, p.Env, p.Dir, p.User, p.Hostname
	d.Labels, d.Ports, d.Exposed, d.NetworkMode, d.Networks, d.Mounts = p.Labels, p.Ports, p.Exposed, p.NetworkMode, p.Networks, p.Mounts
	d.RestartPolicy, d.Restarts, d.AutoRemove, d.Dependencies = cmp.Or(p.Restart, "no"), p.Restarts, p.AutoRemove, p.Dependencies
	d.Rootfs, d.Runtime, d.CreateCommand = p.Rootfs, p.Runtime, p.CreateCommand
	return d
}
