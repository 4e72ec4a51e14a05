package libpoddb

import (
	"fmt"
	"time"
)

// Pod is a group of containers that share namespaces.
type Pod struct {
	ID, Name  string
	Namespace string
	Hostname  string
	Created   time.Time
	Labels    map[string]string
	// InfraID is the id of the container that holds its namespaces; empty if it has none.
	InfraID string
	// Containers of the pod, that one among them, in the order of their names.
	Containers []*Container
	// CreateCommand is how podman was called to make it, if it keeps that.
	CreateCommand []string
	// Restart is the policy by which its containers are restarted; "" means none.
	Restart string
}

// Status sums the states of the pod's containers up as podman does (libpod/pod_status.go:
// createPodStatusResults, v5.8): Created, Running, Degraded, Paused, Exited, Stopped or
// Error.
func (p *Pod) Status() string {
	var running, paused, ended, failed int
	for _, c := range p.Containers {
		switch c.State {
		case Running:
			running++
		case Paused:
			paused++
		case Exited, Stopped:
			ended++
		case Created, Initialized:
		default:
			failed++
		}
	}
	switch all := len(p.Containers); {
	case all == 0:
		return "Created"
	case running == all:
		return "Running"
	case running > 0:
		return "Degraded"
	case paused == all:
		return "Paused"
	case ended == all:
		return "Exited"
	case ended > 0:
		return "Stopped"
	case failed > 0:
		return "Error"
	}
	return "Created"
}

// podConfig are the fields of PodConfig.JSON that are of interest (podman libpod/pod.go:
// PodConfig, v5.8).
type podConfig struct {
	Namespace     string            `json:"namespace"`
	Hostname      string            `json:"hostname"`
	Labels        map[string]string `json:"labels"`
	CreatedTime   time.Time         `json:"created"`
	CreateCommand []string          `json:"CreateCommand"`
	RestartPolicy string            `json:"RestartPolicy"`
}

// podState are those of PodState.JSON (libpod/pod.go:podState).
type podState struct {
	InfraContainerID string
}

// parsePod makes a pod of the JSON texts of its two rows.
func parsePod(id, name string, configJSON, stateJSON []byte) (*Pod, error) {
	var config podConfig
	var state podState
	if err := decode(configJSON, &config); err != nil {
		return nil, fmt.Errorf("configuration of pod %s: %w", id, err)
	}
	if err := decode(stateJSON, &state); err != nil {
		return nil, fmt.Errorf("state of pod %s: %w", id, err)
	}
	return &Pod{
		ID: id, Name: name, Namespace: config.Namespace, Hostname: config.Hostname, Created: config.CreatedTime,
		Labels: config.Labels, InfraID: state.InfraContainerID, CreateCommand: config.CreateCommand, Restart: config.RestartPolicy,
	}, nil
}
