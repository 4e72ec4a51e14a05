package userns

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"testing"
)

// NewPlainHelper is a Helper whose processes are started as any other, and which helps
// with every store. They may do all that this one may.
func NewPlainHelper() *Helper {
	return &Helper{always: true, role: "serve", start: func(_ context.Context, cmd *exec.Cmd) error { return cmd.Start() }}
}

// Processes are the ids of the processes that a Helper has.
func (h *Helper) Processes() (pids []int) {
	h.mu.Lock()
	all := slices.Collect(maps.Values(h.processes))
	h.mu.Unlock()
	for _, p := range all {
		p.mu.Lock()
		if p.process != nil {
			pids = append(pids, p.process.cmd.Process.Pid)
		}
		p.mu.Unlock()
	}
	return pids
}

// AddRole adds a role for tests, which a process plays that InNamespace starts.
func AddRole(name string, play func(told string)) { roles[name] = play }

// InNamespace runs this program in a role inside the user's namespace, and returns what
// it prints.
func InNamespace(tb testing.TB, role, told string) string {
	tb.Helper()
	cmd, err := self(role + " " + told)
	if err != nil {
		tb.Fatal(err)
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := startInNamespace(tb.Context(), cmd); err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		tb.Fatalf("%s: %v\n%s", role, err, &said)
	}
	return out.String()
}

// Self is a command that is this program in a role.
func Self(tb testing.TB, role string) *exec.Cmd {
	tb.Helper()
	cmd, err := self(role)
	if err != nil {
		tb.Fatal(err)
	}
	return cmd
}

// NewSlowHelper is a Helper whose processes never start. It says when it is about to
// start one.
func NewSlowHelper(starting chan<- struct{}) *Helper {
	return &Helper{always: true, start: func(ctx context.Context, _ *exec.Cmd) error {
		close(starting)
		<-ctx.Done()
		return context.Cause(ctx)
	}}
}

// BrokenHelpers are some whose processes do not start, or do not answer.
func BrokenHelpers() map[string]*Helper {
	as := func(argv ...string) *Helper {
		return &Helper{always: true, start: func(_ context.Context, cmd *exec.Cmd) error {
			path, err := exec.LookPath(argv[0])
			cmd.Path, cmd.Args = path, argv
			return errors.Join(err, cmd.Start())
		}}
	}
	return map[string]*Helper{
		"not there": as("/nowhere"),
		"ends":      as("false"),
		"complains": as("sh", "-c", "echo no such ids >&2; exit 3"),
		"babbles":   as("sh", "-c", "echo hello >&0; cat >&0"),
		"is not one": {always: true, role: "no such role", start: func(_ context.Context, cmd *exec.Cmd) error {
			cmd.Args = []string{"test", "-test.run=^$"}
			return cmd.Start()
		}},
	}
}

// WithoutInit runs f as if Init had not been called.
func WithoutInit(f func()) {
	initialized.Store(false)
	defer initialized.Store(true)
	f()
}
