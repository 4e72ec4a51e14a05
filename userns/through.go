package userns

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func throughPodman(context.Context) error  { return through("podman") }
func throughBuildah(context.Context) error { return through("buildah") }

// through becomes, within the namespace that another program makes or finds, the
// running program from its start: "podman unshare" or "buildah unshare". It returns
// only with an error, which matches exec.ErrNotFound if that program is not there.
func through(name string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return missing(name, "package "+name)
	}
	program, err := executable()
	if err != nil {
		return err
	}
	args := append([]string{name, "unshare", "--", program}, os.Args[1:]...)
	// The variables that say who the user is outside are podman's to set.
	err = syscall.Exec(path, args, withMarker(os.Environ(), "entered"))
	return fmt.Errorf("%s: %w", path, err)
}
