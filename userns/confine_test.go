package userns

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// try tries what a confined process may not.
func try(dir string) {
	var may []string
	for name, do := range map[string]func() error{
		"create": func() error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o644) },
		"write":  func() error { return os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o644) },
		"cut":    func() error { return os.Truncate(filepath.Join(dir, "file"), 0) },
		"remove": func() error { return os.Remove(filepath.Join(dir, "file")) },
		"mkdir":  func() error { return os.Mkdir(filepath.Join(dir, "d"), 0o755) },
		"link":   func() error { return os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "hard")) },
	} {
		if do() == nil {
			may = append(may, name)
		}
	}
	if content, err := os.ReadFile(filepath.Join(dir, "file")); string(content) != "content" {
		may = append(may, fmt.Sprintf("not read: %v", err))
	}
	if _, err := unix.FcntlInt(9, unix.F_GETFD, 0); err == nil {
		may = append(may, "use an inherited descriptor")
	}
	fmt.Printf("may %s\n", strings.Join(may, ", "))
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
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
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
	may, status, _ := strings.Cut(out.String(), "\n")
	if want := "CapEff:\t000000000000000c\nCapBnd:\t000000000000000c\nNoNewPrivs:\t1\n"; status != want {
		t.Errorf("%q, want %q", status, want)
	}
	if !hasLandlock() {
		t.Skip("this kernel has no Landlock: who owns files may change them")
	}
	if may != "may " {
		t.Error(may)
	}
}
