package main

import (
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// environment says on what the figures were taken.
func environment(b *bench) string {
	kernel := "unknown kernel"
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		kernel = "Linux " + unix.ByteSliceToString(uts.Release[:])
	}
	memory := "unknown memory"
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		memory = fmt.Sprintf("%.0f GiB of memory", float64(info.Totalram)*float64(info.Unit)/(1<<30))
	}
	return fmt.Sprintf("%s, %s, %s, %d cores, %s, load average %.1f at the start and %.1f at the end (the commands' own load counts), %s.\nPeers: %s, %s, %s, %s, %s.",
		time.Now().UTC().Format(time.DateOnly), kernel, fileSystem(b.work), runtime.NumCPU(), memory, b.load, load(), runtime.Version(),
		version("go", "list", "-m", "-f", "containers-storage {{.Version}}", "go.podman.io/storage"), version("tar", "--version"), version("podman", "--version"),
		version("find", "--version"), version("cmp", "--version"))
}

// load is the number of processes that ran or waited for a disk in the last minute, as an average.
func load() float64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return math.NaN()
	}
	return float64(info.Loads[0]) / (1 << 16) // fixed point (kernel, SI_LOAD_SHIFT)
}

// fileSystem names the one that a folder is on.
func fileSystem(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return "unknown file system"
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "XFS"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	}
	return fmt.Sprintf("file system %#x", st.Type)
}

// version is the first line that a command prints.
func version(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return name + " (unknown version)"
	}
	return line
}
