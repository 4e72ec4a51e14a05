package userns

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cstor-go/cstor/internal/idmap"
)

// callerMaps are those that podman gives the calling user.
func callerMaps() (idmap.Maps, error) {
	who := caller("/etc/passwd")
	uids, err1 := readSubids(uidTool.list, who)
	gids, err2 := readSubids(gidTool.list, who)
	if err := errors.Join(err1, err2); err != nil {
		return idmap.Maps{}, err
	}
	if len(uids) == 0 || len(gids) == 0 {
		// Then podman does with the user's own id as well (pkg/rootless/rootless_linux.go:
		// becomeRootInUserNS), so that no file of the store has another one.
		uids, gids = nil, nil
	}
	var m idmap.Maps
	if m.UIDs, err1 = idmap.ForUser(who.uid, uids); err1 != nil {
		err1 = fmt.Errorf("%s, user %v: %w", uidTool.list, who, err1)
	}
	if m.GIDs, err2 = idmap.ForUser(who.gid, gids); err2 != nil {
		err2 = fmt.Errorf("%s, user %v: %w", gidTool.list, who, err2)
	}
	return m, errors.Join(err1, err2)
}

// single reports whether the user's own ids are all that is mapped. Nobody needs
// rights for that.
func single(m idmap.Maps) bool { return len(m.UIDs) == 1 && len(m.GIDs) == 1 }

// writeMaps gives a process in a new namespace its maps.
func writeMaps(ctx context.Context, m idmap.Maps, pid int) error {
	if single(m) {
		return writeAlone(m, pid)
	}
	for _, tool := range []mapTool{uidTool, gidTool} { // one package has both
		if _, err := tool.find(); err != nil {
			return err
		}
	}
	// Each takes about a millisecond: side by side they cost one.
	gidsWritten := make(chan error, 1)
	go func() { gidsWritten <- gidTool.write(ctx, pid, m.GIDs) }()
	err := uidTool.write(ctx, pid, m.UIDs)
	return errors.Join(err, <-gidsWritten)
}

// writeAlone does without other programs. The kernel wants setgroups forbidden
// before, lest somebody leaves a group that is there to keep him out
// (user_namespaces(7)).
func writeAlone(m idmap.Maps, pid int) error {
	for _, file := range []struct{ name, text string }{
		{"setgroups", "deny"},
		{"uid_map", m.UIDs.Lines()},
		{"gid_map", m.GIDs.Lines()},
	} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, file.name), []byte(file.text), 0); err != nil {
			return err
		}
	}
	return nil
}
