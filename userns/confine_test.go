package userns

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	roles["test-confine"] = func(told string) {
		if err := confine(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(unix.Exec("/proc/self/exe", os.Args, withMarker(os.Environ(), "test-try "+told)))
		os.Exit(1)
	}
	roles["test-try"] = try
}

// try says what a confined process may do, what it has, and its status, a line each.
func try(dir string) {
	file := filepath.Join(dir, "file")
	tries := func(all map[string]func() error) {
		var may []string
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if all[name]() == nil {
				may = append(may, name)
			}
		}
		fmt.Println("may", strings.Join(may, ", "))
	}
	// What Landlock is about.
	tries(map[string]func() error{
		"create": func() error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o644) },
		"write":  func() error { return os.WriteFile(file, []byte("content"), 0o644) },
		"cut":    func() error { return os.Truncate(file, 7) },
		"remove": func() error { return os.Remove(filepath.Join(dir, "other")) },
		"mkdir":  func() error { return os.Mkdir(filepath.Join(dir, "d"), 0o755) },
		"link":   func() error { return os.Link(file, filepath.Join(dir, "hard")) },
	})
	// What it is not about.
	tries(map[string]func() error{
		"read": func() error {
			content, err := os.ReadFile(file)
			if err == nil && string(content) != "content" {
				err = fmt.Errorf("read %q", content)
			}
			return err
		},
		"use an inherited descriptor": func() error {
			_, err := unix.FcntlInt(9, unix.F_GETFD, 0)
			return err
		},
		"read another's as ever": func() error {
			fd, err := unix.Open(filepath.Join(dir, "another's"), unix.O_RDONLY|unix.O_NOATIME, 0)
			return errors.Join(err, unix.Close(fd))
		},
		"set another's mode":  func() error { return os.Chmod(filepath.Join(dir, "another's"), 0) },
		"set another's times": func() error { return os.Chtimes(filepath.Join(dir, "another's"), time.Unix(1, 0), time.Unix(1, 0)) },
		"give away":           func() error { return os.Chown(file, 1, -1) },
	})
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		for _, name := range []string{"CapEff:", "CapBnd:", "NoNewPrivs:"} {
			if strings.HasPrefix(line, name) {
				fmt.Print(line)
			}
		}
	}
	os.Exit(0)
}

// hasLandlock asks for the version.
func hasLandlock() bool {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0
}

func TestConfine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has what is to be taken")
	}
	dir := t.TempDir()
	for _, name := range []string{"file", "other", "another's"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(dir, "another's"), 65534, -1); err != nil {
		t.Skip(err)
	}
	cmd, err := self("test-confine " + dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 9 - 2 { // 3 to 9
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.Stdin)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	names, rest, _ := strings.Cut(out.String(), "\n")
	others, status, _ := strings.Cut(rest, "\n")
	if want := "CapEff:\t000000000000000c\nCapBnd:\t000000000000000c\nNoNewPrivs:\t1\n"; status != want {
		t.Errorf("%q, want %q", status, want)
	}
	if want := "may read, read another's as ever, set another's mode, set another's times"; others != want {
		t.Errorf("%q, want %q", others, want)
	}
	if !hasLandlock() {
		t.Skip("this kernel has no Landlock: who owns files may change them")
	}
	if names != "may " {
		t.Error(names)
	}
}
