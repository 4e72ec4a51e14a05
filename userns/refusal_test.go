package userns

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/storetest"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	for errno, want := range map[syscall.Errno]bool{
		unix.EPERM: true, unix.EACCES: true, unix.ENOSPC: true, unix.EUSERS: true, unix.EINVAL: true,
		unix.ENOENT: false, unix.ENOMEM: false, unix.E2BIG: false,
	} {
		err := refusal(&os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: errno})
		refused := (*RefusedError)(nil)
		if errors.As(err, &refused) != want || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
		if want && passable(err) {
			t.Errorf("%v: podman is asked", err)
		}
	}
}

func TestRestricted(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, restricts, profile string
		want                     bool
	}{
		{"Ubuntu", "1\n", "unconfined\n", true},
		{"a profile", "1\n", "cstor (unconfined)\n", false},
		{"a strict profile", "1\n", "cstor (enforce)\n", false},
		{"off", "0\n", "unconfined\n", false},
		{"no AppArmor", "", "", false},
		{"no setting", "", "unconfined\n", false},
		{"no profiles", "1\n", "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := func(name, text string) string {
				path := filepath.Join(dir, name)
				if text != "" {
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				return path
			}
			err := restricted(file("restricts", c.restricts), file("profile", c.profile))
			refused := (*RefusedError)(nil)
			if errors.As(err, &refused) != c.want || c.want && !passable(err) {
				t.Error(err)
			}
		})
	}
}

// TestNoNamespaces asks where there can be none: a limit of 0 counts for the
// namespace that the test makes for itself, and for what is in it.
func TestNoNamespaces(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		cmd, err := self("test-forbid")
		if err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		cmd.Stdout = w
		if err := startInNamespace(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		buf := make([]byte, 100)
		n, err := r.Read(buf)
		if waitErr := cmd.Wait(); err != nil || waitErr != nil || string(buf[:n]) != "refused, no space left on device" {
			t.Errorf("%q, %v, %v", buf[:n], err, waitErr)
		}
	})
}

// forbid is a role for the test: it forbids namespaces and wants one.
func forbid(string) {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		panic(err)
	}
	cmd, err := self("")
	if err == nil {
		_, err = clone(cmd)
	}
	refused := (*RefusedError)(nil)
	if errors.As(err, &refused) && refused.Reason == settings[0].advice {
		os.Stdout.WriteString("refused, " + refused.Err.Error())
	}
	os.Exit(0)
}
