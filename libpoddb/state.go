package libpoddb

import "encoding/json"

// State is what podman last wrote of what a container does. Its numbers are podman's
// (podman libpod/define/containerstate.go, v5.8).
type State int

// States of containers.
const (
	Unknown     State = iota
	Created           // has storage, and was never started
	Initialized       // is known to the runtime, and does not run yet
	Running
	Stopped // has ended, and is not cleaned up yet
	Paused
	Exited
	Removing
	Stopping
)

var states = [...]string{"unknown", "created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping"}

// String is the state as podman spells it; "bad state" if it is none.
func (s State) String() string {
	if s < 0 || int(s) >= len(states) {
		return "bad state"
	}
	return states[s]
}

// MarshalJSON writes the state as podman spells it.
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// afterBoot is what podman makes of a state when it is first called after a boot
// (libpod/container_internal.go:resetContainerState).
func (s State) afterBoot() State {
	switch s {
	case Stopped, Exited, Stopping, Running, Paused:
		return Exited
	case Removing:
		return Removing
	}
	return Created
}
