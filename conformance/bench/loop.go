package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// loopSize is how large a file system is, in bytes; its file has holes.
const loopSize = 24 << 30

// fileSystem makes one in a file below the work folder, and mounts it. The caller calls
// unmount, which removes it.
func (b *bench) fileSystem(kind string) (dir string, unmount func() error, err error) {
	file := filepath.Join(b.work, "loop."+kind)
	dir = file + ".mounted"
	args := map[string][]string{
		"xfs": {"mkfs.xfs", "-q", "-f", "-m", "reflink=1", file},
		// An inode for each 8 KiB: it has no more than it is made with, and trees of small files are kept.
		"ext4": {"mkfs.ext4", "-q", "-F", "-i", "8192", "-E", "lazy_itable_init=0,lazy_journal_init=0", file},
	}[kind]
	if err := errors.Join(os.RemoveAll(file), os.MkdirAll(dir, 0o700), os.WriteFile(file, nil, 0o600), os.Truncate(file, loopSize)); err != nil {
		return "", nil, err
	}
	for _, args := range [][]string{args, {"mount", "-o", "loop", file, dir}} {
		if out, err := exec.CommandContext(b.ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", nil, errors.Join(fmt.Errorf("%v: %w: %s", args, err, out), os.Remove(file))
		}
	}
	return dir, func() error {
		// Mounts of podman may still be below.
		return errors.Join(unix.Unmount(dir, unix.MNT_DETACH), os.Remove(file))
	}, nil
}
