package userns

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// idMaps are the maps of a namespace.
type idMaps struct{ uids, gids []idRange }

// callerMaps are those that podman gives the calling user.
func callerMaps() (idMaps, error) {
	who := caller("/etc/passwd")
	uids, err1 := readSubids(uidTool.list, who)
	gids, err2 := readSubids(gidTool.list, who)
	if err := errors.Join(err1, err2); err != nil {
		return idMaps{}, err
	}
	if len(uids) == 0 || len(gids) == 0 {
		// Then podman does with the user's own id as well (pkg/rootless/rootless_linux.go:
		// becomeRootInUserNS), so that no file of the store has another one.
		uids, gids = nil, nil
	}
	var m idMaps
	if m.uids, err1 = mapFor(who.uid, uids); err1 != nil {
		err1 = fmt.Errorf("%s, user %v: %w", uidTool.list, who, err1)
	}
	if m.gids, err2 = mapFor(who.gid, gids); err2 != nil {
		err2 = fmt.Errorf("%s, user %v: %w", gidTool.list, who, err2)
	}
	return m, errors.Join(err1, err2)
}

// single reports whether the user's own ids are all that is mapped. Nobody needs
// rights for that.
func (m idMaps) single() bool { return len(m.uids) == 1 && len(m.gids) == 1 }

// write gives a process in a new namespace its maps.
func (m idMaps) write(ctx context.Context, pid int) error {
	if m.single() {
		return m.writeAlone(pid)
	}
	for _, tool := range []mapTool{uidTool, gidTool} { // one package has both
		if _, err := tool.find(); err != nil {
			return err
		}
	}
	// Each takes about a millisecond: side by side they cost one.
	gidsWritten := make(chan error, 1)
	go func() { gidsWritten <- gidTool.write(ctx, pid, m.gids) }()
	err := uidTool.write(ctx, pid, m.uids)
	return errors.Join(err, <-gidsWritten)
}

// writeAlone does without other programs. The kernel wants setgroups forbidden
// before, lest somebody leaves a group that is there to keep him out
// (user_namespaces(7)).
func (m idMaps) writeAlone(pid int) error {
	for _, file := range []struct{ name, text string }{
		{"setgroups", "deny"},
		{"uid_map", lines(m.uids)},
		{"gid_map", lines(m.gids)},
	} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, file.name), []byte(file.text), 0); err != nil {
			return err
		}
	}
	return nil
}
