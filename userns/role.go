package userns

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
)

// marker in the environment says what a process is that this package started: the
// name of a role, and what that role is told, separated by a space. It is taken out
// of the environment by [Init], so that nothing else inherits it.
const marker = "_CSTOR_USERNS"

// roles are what such a process does. A role that returns lets the program go on.
var roles map[string]func(told string)

func init() { // some roles lead to others
	roles = map[string]func(told string){
		"wait":    wait,
		"joined":  joined,
		"entered": begin,
		"helper":  becomeHelper,
		"serve":   serve,
	}
}

// role plays one.
func role(marked string) {
	name, told, _ := strings.Cut(marked, " ")
	if play, ok := roles[name]; ok {
		play(told)
	}
}

var initialized atomic.Bool

// Init is called first thing in main, before flags are looked at, by every program
// that uses this package. In a process that the package started for a purpose of its
// own it does not return; in the program that [Enter] has started anew it does. Nothing that starts processes works without it; calls after
// the first do nothing.
func Init() {
	if initialized.Swap(true) {
		return
	}
	marked := os.Getenv(marker)
	_ = os.Unsetenv(marker) // fails for malformed names only
	if marked == "" {
		return
	}
	// Who sets the variable by hand, to whatever, gets a program that does not enter.
	entered.Store(true)
	role(marked)
}

// self is a command that executes the running program, without arguments, in a role.
// Init must be its first deed: without it the program would do again what it does
// now.
func self(role string) (*exec.Cmd, error) {
	if !initialized.Load() {
		return nil, errNoInit
	}
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{os.Args[0]}}
	cmd.Env = withMarker(os.Environ(), role)
	return cmd, nil
}

var errNoInit = errors.New("userns.Init was not called at the start of the program")

// withMarker is an environment with the marker set, or without it if role is "".
func withMarker(env []string, role string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, marker+"=") })
	if role != "" {
		env = append(env, marker+"="+role)
	}
	return env
}

// markerOf is the role in an environment, and what it is told.
func markerOf(env []string) string {
	for _, v := range slices.Backward(env) { // the last one counts
		if role, ok := strings.CutPrefix(v, marker+"="); ok {
			return role
		}
	}
	return ""
}
