package userns

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/internal/storetest"
)

// show is a role for the test: what a process sees of itself.
func show(told string) {
	status, _ := os.ReadFile("/proc/self/status")
	uids, _ := os.ReadFile("/proc/self/uid_map")
	gids, _ := os.ReadFile("/proc/self/gid_map")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff:") {
			fmt.Print(line)
		}
	}
	left := 0 // of what it was started with
	open, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range open {
		if at, _ := os.Readlink("/proc/self/fd/" + entry.Name()); strings.HasPrefix(at, "user:") || strings.HasPrefix(at, "socket:") {
			left++
		}
	}
	fmt.Println(told, os.Getuid(), os.Getgid(), os.Getenv(marker) == "", left)
	for _, m := range []string{string(uids), string(gids)} {
		fmt.Println(strings.Join(strings.Fields(m), " "))
	}
	secret, err := os.ReadFile(os.Getenv("CSTOR_TEST_SECRET"))
	fmt.Println(string(secret), err)
	os.Exit(0)
}

func TestStartInNamespace(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte("words"), 0); err != nil {
			t.Fatal(err)
		}
		own := fmt.Sprintf("0 %d 1 1 %d 65536\n", os.Getuid(), storetest.SubordinateIDs)
		for _, c := range []struct {
			name, path string
			dir        func(t *testing.T) string
		}{
			{"new", links(t, tools...), func(t *testing.T) string { return t.TempDir() }},
			{"podman's", links(t, "nsenter"), pausing(strings.TrimSpace(own))},
			{"no nsenter", links(t, tools...), pausing(strings.TrimSpace(own))},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Setenv("XDG_RUNTIME_DIR", c.dir(t))
				t.Setenv("PATH", c.path)
				t.Setenv("CSTOR_TEST_SECRET", secret)
				cmd, err := self("test-show a b")
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := startInNamespace(t.Context(), cmd); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); err != nil {
					t.Fatalf("%v\n%s", err, &out)
				}
				all, rest, _ := strings.Cut(out.String(), "\n")
				if want := "a b 0 0 true 0\n" + own + own + "words <nil>\n"; rest != want || strings.Contains(all, "CapEff:\t0000000000000000") {
					t.Errorf("%q\nwant %q", &out, want)
				}
			})
		}
	})
}
