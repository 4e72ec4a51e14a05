package userns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/cstor-go/cstor/internal/idmap"
)

// startInNamespace starts a command that [self] made inside the user namespace that
// podman keeps for the calling user, or else a new one, in which he is root, with all
// capabilities, and his subordinate ids are ordinary ones. The command's role begins
// when all of that is so; the process has then been executed once already.
//
// The command gets one more extra file, the last, which its role does not see. The
// caller waits for it, and ends it: ctx ends only the starting. After an error nothing
// runs.
func startInNamespace(ctx context.Context, cmd *exec.Cmd) error {
	if ns := pauseNamespace(); ns != nil {
		defer ns.Close()
		if err := startJoined(cmd, ns); err == nil || !passable(err) {
			return err
		}
	}
	maps, err := callerMaps()
	if err != nil {
		return err
	}
	if err := restricted(apparmorRestricts, apparmorProfile); err != nil {
		return err
	}
	n, err := bear(ctx, cmd, maps)
	if err != nil {
		return err
	}
	return n.release(ctx)
}

// newNamespace makes a namespace with these maps that has no process. The caller
// closes it.
func newNamespace(ctx context.Context, maps idmap.Maps) (*namespace, error) {
	cmd, err := self("")
	if err != nil {
		return nil, err
	}
	n, err := bear(ctx, cmd, maps)
	if err != nil {
		return nil, err
	}
	defer n.end()
	return namespaceOf(cmd.Process.Pid)
}

// newborn is a process in a user namespace that it was born with, where it waits
// until it is released or ended.
type newborn struct {
	cmd    *exec.Cmd
	socket *os.File
}

// bear starts a command in a new namespace with these maps.
func bear(ctx context.Context, cmd *exec.Cmd, maps idmap.Maps) (*newborn, error) {
	n, err := clone(cmd)
	if err != nil {
		return nil, err
	}
	if err := writeMaps(ctx, maps, cmd.Process.Pid); err != nil {
		n.end()
		return nil, err
	}
	return n, nil
}

// clone starts a command in a namespace of its own that has no maps yet.
func clone(cmd *exec.Cmd) (*newborn, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	_ = syscall.SetNonblock(pair[0], true) // closing it ends a read then; theirs blocks
	ours, theirs := os.NewFile(uintptr(pair[0]), "socket"), os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	cmd.Env = withMarker(cmd.Env, fmt.Sprintf("wait %d %s", 3+len(cmd.ExtraFiles), markerOf(cmd.Env)))
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	if err := cmd.Start(); err != nil {
		_ = ours.Close()
		return nil, refusal(err)
	}
	return &newborn{cmd, ours}, nil
}

// end ends the process.
func (n *newborn) end() {
	_ = n.socket.Close()
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait() // was killed
}

// release lets the process go on, and returns when it is executed anew; or it ends
// it, and returns an error.
func (n *newborn) release(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = n.socket.Close() })
	defer stop()
	_, err := n.socket.Write([]byte{1})
	var said []byte
	if err == nil {
		said, err = io.ReadAll(io.LimitReader(n.socket, 1000))
	}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case err == nil && len(said) > 0:
		err = errors.New(string(said))
	}
	if err != nil {
		n.end()
		return fmt.Errorf("start in the user namespace: %w", err)
	}
	_ = n.socket.Close()
	return nil
}
