package main

import (
	"fmt"
	"os/exec"
)

// mounted is a case that mounts the image with podman, runs a line of shell to which the
// mount is $dir, and unmounts it. Only the line prints.
func (c contents) mounted(line string, args ...string) (timed, error) {
	if _, err := exec.LookPath("podman"); err != nil {
		return timed{missing: "not installed"}, nil //nolint:nilerr // the page says so
	}
	// A run that was cut short left the count of mounts above zero: nothing would ever be
	// unmounted again, and each mount but the first would find all done.
	clean := exec.CommandContext(c.ctx, "podman", "--root", c.root, "--runroot", c.runRoot, "--storage-driver", "overlay",
		"image", "unmount", "--force", c.image.Image)
	if out, err := clean.CombinedOutput(); err != nil {
		return timed{}, fmt.Errorf("podman image unmount: %w: %s", err, out)
	}
	script := `podman() { command podman --root "$root" --runroot "$runroot" --storage-driver overlay image "$@"; }
root=$1 runroot=$2 image=$3; shift 3
dir=$(podman mount "$image") || exit
` + line + `; status=$?
podman unmount "$image" >&2 && exit "$status"`
	args = append([]string{"-c", script, "sh", c.root, c.runRoot, c.image.Image}, args...)
	return timed{commands: []command{{path: "sh", args: args}}}, nil
}
