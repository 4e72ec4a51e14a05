package libpoddb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Container is what podman knows of a container.
type Container struct {
	ID   string // as in the lists of the store
	Name string
	// PodID and PodName are of the pod that it belongs to; else empty.
	PodID, PodName string
	// Namespace that podman keeps it in; empty by default.
	Namespace string

	State State
	// ExitCode of the program, if Exited.
	ExitCode int
	Exited   bool
	// PID of the program while it runs, else 0.
	PID int
	// Error is what podman was last told when it started or stopped the container.
	Error     string
	OOMKilled bool
	// Started and Finished are zero if that never happened.
	Created, Started, Finished time.Time
	// Restarts counts those by Restart, the policy; "" means none.
	Restarts int
	Restart  string

	// ImageID and ImageName are of the image it was made from; empty if from none. The
	// name is what the image was called then.
	ImageID, ImageName string
	// Rootfs is the directory that is its root file system, if that is not an image's.
	Rootfs string
	// Entrypoint and Command are its program, as they were overridden.
	Entrypoint, Command []string
	// Args is the program with all its arguments, and Env its environment, Dir its
	// directory, as the runtime gets them.
	Args, Env []string
	Dir       string
	// CreateCommand is how podman was called to make it, if it keeps that.
	CreateCommand []string
	User          string
	Hostname      string
	Labels        map[string]string

	// Ports are those that are forwarded to it, or to the container whose network it
	// uses, such as its pod's infra container.
	Ports []Port
	// Exposed are ports, such as "80/tcp", that are not forwarded, in order.
	Exposed []string
	// Networks are the names of those it is attached to, in order.
	Networks    []string
	NetworkMode string
	Mounts      []Mount

	// Infra: it holds the namespaces of its pod. Service: it stands for a service of
	// "podman kube play".
	Infra, Service bool
	// AutoRemove: podman removes it when it has ended.
	AutoRemove bool
	// Dependencies are ids of containers that must be started before.
	Dependencies []string
	// Runtime is the OCI runtime's name, such as "crun".
	Runtime string

	networkOf string // id of the container whose network it uses
}

// Port is a forwarded port, or a run of them.
type Port struct {
	HostIP        string `json:"hostIP,omitempty"` // empty: all addresses
	HostPort      int    `json:"hostPort"`
	ContainerPort int    `json:"containerPort"`
	Count         int    `json:"count"`    // how many, from these on; at least 1
	Protocol      string `json:"protocol"` // "tcp", "udp", "sctp", or several with commas
}

// String is a port as podman's listings show it: 0.0.0.0:8080->80/tcp.
func (p Port) String() string {
	ip := cmp.Or(p.HostIP, "0.0.0.0")
	if p.Count > 1 {
		return fmt.Sprintf("%s:%d-%d->%d-%d/%s", ip, p.HostPort, p.HostPort+p.Count-1, p.ContainerPort, p.ContainerPort+p.Count-1, p.Protocol)
	}
	return fmt.Sprintf("%s:%d->%d/%s", ip, p.HostPort, p.ContainerPort, p.Protocol)
}

// Mount is something that is mounted in a container on request.
type Mount struct {
	Type        string   `json:"type"`             // "volume", "bind", "image", "overlay" or "artifact"
	Name        string   `json:"name,omitempty"`   // of a volume
	Source      string   `json:"source,omitempty"` // a directory of the host; the name of an image or artifact
	Destination string   `json:"destination"`      // path in the container
	SubPath     string   `json:"subPath,omitempty"`
	Options     []string `json:"options,omitempty"`
}

// containerConfig are the fields of ContainerConfig.JSON that are of interest (podman
// libpod/container_config.go:ContainerConfig, v5.8).
type containerConfig struct {
	Spec *struct {
		Annotations map[string]string `json:"annotations"`
		Hostname    string            `json:"hostname"`
		Process     *struct {
			Args []string `json:"args"`
			Env  []string `json:"env"`
			Cwd  string   `json:"cwd"`
		} `json:"process"`
		Mounts []struct {
			Destination string   `json:"destination"`
			Type        string   `json:"type"`
			Source      string   `json:"source"`
			Options     []string `json:"options"`
		} `json:"mounts"`
	} `json:"spec"`
	Pod             string            `json:"pod"`
	Namespace       string            `json:"namespace"`
	CreateCommand   []string          `json:"CreateCommand"`
	Dependencies    []string          `json:"Dependencies"`
	RootfsImageID   string            `json:"rootfsImageID"`
	RootfsImageName string            `json:"rootfsImageName"`
	Rootfs          string            `json:"rootfs"`
	User            string            `json:"user"`
	NetNsCtr        string            `json:"netNsCtr"`
	Labels          map[string]string `json:"labels"`
	CreatedTime     time.Time         `json:"createdTime"`
	RestartPolicy   string            `json:"restart_policy"`
	OCIRuntime      string            `json:"runtime"`
	IsInfra         bool              `json:"pause"`
	IsService       bool              `json:"isService"`
	Entrypoint      []string          `json:"entrypoint"`
	Command         []string          `json:"command"`
	UserVolumes     []string          `json:"userVolumes"`
	NetworkMode     string            `json:"networkMode"`

	NamedVolumes []struct {
		Name    string   `json:"volumeName"`
		Dest    string   `json:"dest"`
		Options []string `json:"options"`
		SubPath string
	} `json:"namedVolumes"`
	OverlayVolumes []struct {
		Dest    string   `json:"dest"`
		Source  string   `json:"source"`
		Options []string `json:"options"`
	} `json:"overlayVolumes"`
	ImageVolumes []struct {
		Source    string `json:"source"`
		Dest      string `json:"dest"`
		ReadWrite bool   `json:"rw"`
		SubPath   string `json:"subPath"`
	} `json:"ctrImageVolumes"`
	ArtifactVolumes []struct {
		Source string `json:"source"`
		Dest   string `json:"dest"`
	} `json:"artifactVolumes"`

	PortMappings []struct {
		HostIP        string `json:"host_ip"`
		ContainerPort uint16 `json:"container_port"`
		HostPort      uint16 `json:"host_port"`
		Range         uint16 `json:"range"`
		Protocol      string `json:"protocol"`
	} `json:"newPortMappings"`
	// Until podman 4.0.
	OldPortMappings []struct {
		HostPort      int32  `json:"hostPort"`
		ContainerPort int32  `json:"containerPort"`
		Protocol      string `json:"protocol"`
		HostIP        string `json:"hostIP"`
	} `json:"portMappings"`
	ExposedPorts map[uint16][]string `json:"exposedPorts"`
	// Since podman 6, 4 and before; what is in them but names does not matter here.
	OrderedNetworks []struct {
		Name string `json:"Name"`
	} `json:"orderedNetworks"`
	NewNetworks map[string]json.RawMessage `json:"newNetworks"`
	Networks    []string                   `json:"networks"`
}

// containerState are those of ContainerState.JSON (libpod/container.go:ContainerState).
type containerState struct {
	State        State     `json:"state"`
	StartedTime  time.Time `json:"startedTime"`
	FinishedTime time.Time `json:"finishedTime"`
	ExitCode     int32     `json:"exitCode"`
	Exited       bool      `json:"exited"`
	Error        string    `json:"error"`
	OOMKilled    bool      `json:"oomKilled"`
	PID          int       `json:"pid"`
	RestartCount uint32    `json:"restartCount"`
}

// autoRemove is the annotation of containers made with --rm
// (libpod/define/annotations.go:InspectAnnotationAutoremove).
const autoRemove = "io.podman.annotations.autoremove"

// parseContainer makes a container of the JSON texts of its two rows. Ids and names are
// the rows' own.
func parseContainer(id, name string, configJSON, stateJSON []byte) (*Container, error) {
	var config containerConfig
	var state containerState
	if err := decode(configJSON, &config); err != nil {
		return nil, fmt.Errorf("configuration of container %s: %w", id, err)
	}
	if err := decode(stateJSON, &state); err != nil {
		return nil, fmt.Errorf("state of container %s: %w", id, err)
	}
	c := &Container{
		ID: id, Name: name, PodID: config.Pod, Namespace: config.Namespace,
		State: state.State, ExitCode: int(state.ExitCode), Exited: state.Exited, PID: state.PID, Error: state.Error, OOMKilled: state.OOMKilled,
		Created: config.CreatedTime, Started: state.StartedTime, Finished: state.FinishedTime,
		Restarts: int(state.RestartCount), Restart: config.RestartPolicy,
		ImageID: config.RootfsImageID, ImageName: config.RootfsImageName, Rootfs: config.Rootfs,
		Entrypoint: config.Entrypoint, Command: config.Command, CreateCommand: config.CreateCommand,
		User: config.User, Labels: config.Labels, NetworkMode: config.NetworkMode,
		Infra: config.IsInfra, Service: config.IsService, Dependencies: config.Dependencies, Runtime: config.OCIRuntime,
		networkOf: config.NetNsCtr,
	}
	if spec := config.Spec; spec != nil {
		c.Hostname = spec.Hostname
		c.AutoRemove = spec.Annotations[autoRemove] == "TRUE"
		if spec.Process != nil {
			c.Args, c.Env, c.Dir = spec.Process.Args, spec.Process.Env, spec.Process.Cwd
		}
	}
	c.Ports, c.Exposed = config.ports(), config.exposed()
	c.Networks = config.networks()
	c.Mounts = config.mounts()
	return c, nil
}

func (c *containerConfig) ports() []Port {
	var all []Port
	for _, p := range c.PortMappings {
		all = append(all, Port{p.HostIP, int(p.HostPort), int(p.ContainerPort), max(int(p.Range), 1), p.Protocol})
	}
	if all == nil {
		for _, p := range c.OldPortMappings {
			all = append(all, Port{p.HostIP, int(p.HostPort), int(p.ContainerPort), 1, p.Protocol})
		}
	}
	for n := range all {
		all[n].Protocol = cmp.Or(all[n].Protocol, "tcp")
	}
	return all
}

func (c *containerConfig) exposed() []string {
	type port struct {
		number   uint16
		protocol string
	}
	var all []port
	for number, protocols := range c.ExposedPorts {
		for _, protocol := range protocols {
			all = append(all, port{number, protocol})
		}
	}
	slices.SortFunc(all, func(a, b port) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.protocol, b.protocol))
	})
	var texts []string
	for _, p := range all {
		texts = append(texts, fmt.Sprintf("%d/%s", p.number, p.protocol))
	}
	return texts
}

func (c *containerConfig) networks() []string {
	if !strings.HasPrefix(c.NetworkMode, "bridge") { // libpod/sqlite_state.go:GetNetworks
		return nil
	}
	all := slices.Clone(c.Networks)
	for name := range c.NewNetworks {
		all = append(all, name)
	}
	for _, n := range c.OrderedNetworks {
		all = append(all, n.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// mounts are those that were asked for: the runtime gets others too, such as /proc
// (libpod/container_internal.go:SortUserVolumes).
func (c *containerConfig) mounts() []Mount {
	var all []Mount
	for _, v := range c.NamedVolumes {
		all = append(all, Mount{Type: "volume", Name: v.Name, Destination: v.Dest, SubPath: v.SubPath, Options: v.Options})
	}
	for _, v := range c.ImageVolumes {
		options := []string{"ro"}
		if v.ReadWrite {
			options[0] = "rw"
		}
		all = append(all, Mount{Type: "image", Source: v.Source, Destination: v.Dest, SubPath: v.SubPath, Options: options})
	}
	for _, v := range c.OverlayVolumes {
		all = append(all, Mount{Type: "overlay", Source: v.Source, Destination: v.Dest, Options: v.Options})
	}
	for _, v := range c.ArtifactVolumes {
		all = append(all, Mount{Type: "artifact", Source: v.Source, Destination: v.Dest})
	}
	if c.Spec == nil {
		return all
	}
	wanted := map[string]bool{}
	for _, destination := range c.UserVolumes {
		wanted[destination] = true
	}
	for _, m := range c.Spec.Mounts {
		if wanted[m.Destination] && m.Type != "tmpfs" {
			all = append(all, Mount{Type: "bind", Source: m.Source, Destination: m.Destination, Options: m.Options})
		}
	}
	return all
}
