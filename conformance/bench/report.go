package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report writes the page.
func report(path string, b *bench, groups []group) error {
	var page strings.Builder
	fmt.Fprintf(&page, `# Performance

Measured by `+"`make bench`"+`, which writes this page: cstor and the tools that do the same today, on the same store, in one
run, in turn. Machines are shared and noisy: look at the ratios. A ratio is the other tool's median over cstor's: above 1,
cstor is faster. Peak memory is that of the largest process (what the measuring program has itself, some 10 MiB, is the
least that can be seen). Caches are warm.

%s
`, environment(b))
	for _, g := range groups {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| command | median | least – most | runs | peak memory | ratio |\n|---|---|---|---|---|---|\n", g.title, g.about)
		medians := map[string]time.Duration{}
		for _, c := range g.cases {
			median, least, most := c.spread()
			medians[c.name] = median
			if c.missing != "" {
				fmt.Fprintf(&page, "| %s | %s | | | | |\n", c.name, c.missing)
				continue
			}
			ratio := ""
			if ours := medians[c.against]; ours > 0 {
				ratio = fmt.Sprintf("%.2f × `%s`", float64(median)/float64(ours), c.against)
			}
			fmt.Fprintf(&page, "| %s | %s | %s – %s | %d | %d MiB | %s |\n", c.name, ms(median), ms(least), ms(most), len(c.walls), c.peak>>10, ratio)
		}
	}
	if path == "" {
		_, err := io.WriteString(os.Stdout, page.String())
		return err
	}
	return os.WriteFile(path, []byte(page.String()), 0o644)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// environment says on what the figures were taken.
func environment(b *bench) string {
	var uts unix.Utsname
	kernel := "unknown kernel"
	if unix.Uname(&uts) == nil {
		kernel = "Linux " + unix.ByteSliceToString(uts.Release[:])
	}
	fs := "unknown file system"
	var st unix.Statfs_t
	if unix.Statfs(b.work, &st) == nil {
		names := map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "XFS", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay"}
		if fs = names[st.Type]; fs == "" {
			fs = fmt.Sprintf("file system %#x", st.Type)
		}
	}
	return fmt.Sprintf("%s, %s, %s, %d cores, %s. Peers: %s, %s.", time.Now().UTC().Format(time.DateOnly), kernel, fs, runtime.NumCPU(), runtime.Version(),
		version("go", "list", "-m", "-f", "containers-storage {{.Version}}", "go.podman.io/storage"), version("podman", "--version"))
}

func version(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return name + " (unknown version)"
	}
	return line
}
