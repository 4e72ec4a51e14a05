package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// bench holds what all groups need.
type bench struct {
	ctx       context.Context
	work      string
	runs      int     // 0: each group's own number
	load      float64 // of the machine, at the start
	cstor     string  // the binary
	reference string  // containers-storage

	// buffer is the only large thing in this program's memory, which must be small: what
	// it has itself counts as the memory of those it starts (getrusage(2)).
	buffer []byte
}

// newBench opens the work folder and builds the two programs: from this checkout, and
// from the module that go.mod names.
func newBench(ctx context.Context, work string, runs int) (*bench, error) {
	work, err := filepath.Abs(work)
	if err != nil {
		return nil, err
	}
	if err := own(work); err != nil {
		return nil, err
	}
	// The machine's own configuration must not matter. Nor does this one, as all commands
	// name their store; but podman wants it complete.
	conf := filepath.Join(work, "storage.conf")
	settings := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(work, "none"), filepath.Join(work, "run"))
	if err := os.WriteFile(conf, []byte(settings), 0o644); err != nil {
		return nil, err
	}
	b := &bench{
		ctx: ctx, work: work, runs: runs, load: load(), buffer: make([]byte, bufferSize),
		cstor: filepath.Join(work, "cstor"), reference: filepath.Join(work, "containers-storage"),
	}
	return b, errors.Join(
		os.Setenv("CONTAINERS_STORAGE_CONF", conf),
		goBuild(ctx, "..", b.cstor, "./cmd/cstor"),
		goBuild(ctx, ".", b.reference, "-tags", tags, "go.podman.io/storage/cmd/containers-storage"),
	)
}

// own makes the work folder. One that is there must be the caller's: its place is known,
// and in a folder where everybody may write.
func own(dir string) error {
	if err := os.Mkdir(dir, 0o700); err == nil || !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of yours", dir)
	}
	return nil
}

// tags leave out of the reference what needs C libraries.
const tags = "containers_image_openpgp"

func goBuild(ctx context.Context, dir, out string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-o", out}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %v: %w", args, err)
	}
	return nil
}

// isolate starts this program anew in a mount namespace, so that the mounts which the
// peers leave behind go away with it. Where that is not possible it does nothing.
func isolate() error {
	const done = "CSTOR_BENCH_MOUNTS"
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Getenv(done) != "" || exec.Command(unshare, "--mount", "true").Run() != nil {
		return nil //nolint:nilerr // the mounts then stay
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(unshare, append([]string{unshare, "--mount", self}, os.Args[1:]...), append(os.Environ(), done+"=private"))
}
