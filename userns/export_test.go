package userns

import (
	"context"
	"os/exec"
)

// NewPlainHelper is a Helper whose processes are started as any other, and which helps
// with every store.
func NewPlainHelper() *Helper {
	return &Helper{always: true, start: func(_ context.Context, cmd *exec.Cmd) error { return cmd.Start() }}
}

// Processes are the ids of the processes that a Helper has.
func (h *Helper) Processes() (pids []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.processes {
		p.mu.Lock()
		if p.process != nil {
			pids = append(pids, p.process.cmd.Process.Pid)
		}
		p.mu.Unlock()
	}
	return pids
}
