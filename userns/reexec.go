package userns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// ErrNoHelper means that neither podman nor buildah is there to enter the namespace with.
var ErrNoHelper = errors.New("podman or buildah is needed to enter the user namespace of this store, and neither is in PATH")

// Needed reports whether root, the directory of a store, belongs to the calling
// user, who is not root and not inside a user namespace of his own yet.
func Needed(root string) bool {
	if os.Geteuid() == 0 || entered.Load() {
		return false
	}
	info, err := os.Stat(root)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// Reexec executes the running program anew with the same arguments, environment,
// working directory and standard streams, inside the calling user's namespace. It
// returns only if that is not possible; the error matches [ErrNoHelper] if the
// machine has neither podman nor buildah. Whoever calls it holds nothing that
// matters: the process is replaced.
func Reexec() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("enter the user namespace: %w", err)
	}
	for _, helper := range []string{"podman", "buildah"} {
		path, err := exec.LookPath(helper)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("enter the user namespace: %w", err)
		}
		args := append([]string{helper, "unshare", "--", self}, os.Args[1:]...)
		err = syscall.Exec(path, args, withMarker(os.Environ(), "entered"))
		return fmt.Errorf("enter the user namespace: %s: %w", path, err)
	}
	return ErrNoHelper
}
