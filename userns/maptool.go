package userns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/idmap"
)

// mapTool is one of the two programs that may give a namespace subordinate ids of its
// user: they are of root, and look the ids up.
type mapTool struct {
	name string // the program
	list string // where the ids are
}

var (
	uidTool = mapTool{"newuidmap", "/etc/subuid"}
	gidTool = mapTool{"newgidmap", "/etc/subgid"}
)

// find looks the program up in PATH.
func (t mapTool) find() (string, error) {
	path, err := exec.LookPath(t.name)
	if err != nil {
		return "", missing(t.name, "package uidmap on Debian and Ubuntu, shadow-utils or shadow elsewhere")
	}
	return path, nil
}

// write gives the namespace of a process its map.
func (t mapTool) write(ctx context.Context, pid int, m idmap.Map) error {
	path, err := t.find()
	if err != nil {
		return err
	}
	args := append([]string{strconv.Itoa(pid)}, strings.Fields(m.Lines())...)
	cmd := exec.CommandContext(ctx, path, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second                           // a child of its own may hold the pipe
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's signals are not for it
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if said.Len() > 1000 {
		said.Truncate(1000)
	}
	text := strings.TrimSpace(said.String())
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	err = fmt.Errorf("%s: %w", path, err)
	if why := powerless(path); why != "" {
		err = fmt.Errorf("%w (%s)", err, why)
	}
	return err
}

// powerless says why a program of root has no more rights than who executes it, if
// that is so; else "".
func powerless(path string) string {
	if n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && n != 0 {
		return "no_new_privs is set: by NoNewPrivileges= of a service, or a container's security options"
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode()&os.ModeSetuid != 0 {
		return ""
	}
	if n, err := unix.Getxattr(path, "security.capability", nil); err == nil && n > 0 {
		return "" // capabilities(7), "File capabilities"
	}
	return "it has neither the set-user-ID bit nor a capability: is it as its package has it?"
}
