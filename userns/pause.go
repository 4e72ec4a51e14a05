package userns

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// joinPause enters the namespace that podman keeps for the calling user. It returns
// nil if there is none.
func joinPause(context.Context) error {
	ns := pauseNamespace()
	if ns == nil {
		return nil
	}
	defer ns.Close()
	return join(ns)
}

// pauseNamespace opens the namespace that podman keeps for the calling user, by a
// process that does nothing else; nil if there is none that can be used. The caller
// closes it.
//
// It is the namespace that the user's containers are in, it is there before
// newuidmap is asked, and it is the only one where newuidmap is missing.
func pauseNamespace() *namespace {
	for _, dir := range runtimeDirs() {
		pid, err := readPID(filepath.Join(dir, "libpod", "tmp", "pause.pid"))
		if err != nil {
			continue
		}
		ns, err := namespaceOf(pid)
		if err != nil {
			continue // it has ended
		}
		if ns.usable() == nil {
			return ns
		}
		_ = ns.Close() // was only opened
	}
	return nil
}

// runtimeDirs are where podman keeps what lasts as long as a session: $XDG_RUNTIME_DIR,
// and without that one of the others (container-libs
// storage/pkg/homedir/homedir_unix.go:GetRuntimeDir, podman
// pkg/util/utils_supported.go:GetRootlessStateDir; the last one is podman's up to 4,
// pkg/util/utils_supported.go:GetRuntimeDir). What stands in directories that anybody
// can make is believed no more than what stands in the others.
func runtimeDirs() []string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return []string{dir}
	}
	uid, temp := strconv.Itoa(os.Geteuid()), cmp.Or(os.Getenv("TMPDIR"), "/tmp")
	return []string{
		filepath.Join("/run/user", uid),
		filepath.Join(temp, "storage-run-"+uid),
		filepath.Join(temp, "podman-run-"+uid),
	}
}

// readPID reads the number of a process from a small file.
func readPID(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 31)
	if err == nil && pid == 0 {
		err = fmt.Errorf("%s: no process has number 0", path)
	}
	return int(pid), err
}
