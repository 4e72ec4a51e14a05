package storageconf

import "fmt"

// Rules is the generation of the storage library that is followed.
type Rules uint8

const (
	// RulesNew is storage 1.63 (May 2026) and later.
	RulesNew Rules = iota
	// RulesOld is storage 1.62 and earlier.
	RulesOld
)

// String names the library's versions.
func (r Rules) String() string {
	if r == RulesOld {
		return "storage 1.62 and older"
	}
	return "storage 1.63 and newer"
}

// MarshalText makes rules readable in JSON: "new" or "old".
func (r Rules) MarshalText() ([]byte, error) {
	if r == RulesOld {
		return []byte("old"), nil
	}
	return []byte("new"), nil
}

// Kind says what a [Step] is about.
type Kind string

// The kinds of steps.
const (
	KindFile      Kind = "file"      // Name is a storage.conf or a drop-in
	KindDirectory Kind = "directory" // Name is a directory of drop-ins, or one asked for its owner
	KindVariable  Kind = "variable"  // Name is an environment variable, without "$"
	KindFlag      Kind = "flag"      // Name is a field of Request, as a command line spells it
	KindKey       Kind = "key"       // Name is a dotted key of a file, or a driver option
	KindDefault   Kind = "default"   // Name is the setting for which no source gave a value
	KindRule      Kind = "rule"      // Name is a decision that follows from the steps before
)

// State says what became of the subject of a [Step].
type State string

// The states of steps.
const (
	StateUsed    State = "used"    // it has an effect
	StateMissing State = "missing" // no such file, directory or variable
	StateIgnored State = "ignored" // it is there, and has no effect
	StateError   State = "error"   // it is there, and cannot be used
)

// Step is one thing that [Discover] considered.
type Step struct {
	Rules Rules  `json:"rules"`
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	State State  `json:"state"`
	Why   string `json:"why,omitempty"` // what it decided, or why it has no effect; values are quoted and cut at 200 bytes
}

// note appends a step to the trace.
func (d *discovery) note(kind Kind, name string, state State, format string, args ...any) {
	d.trace = append(d.trace, Step{Rules: d.rules, Kind: kind, Name: name, State: state, Why: fmt.Sprintf(format, args...)})
}
