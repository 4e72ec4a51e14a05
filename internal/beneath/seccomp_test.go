package beneath

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refuseEnv holds, in a child of TestSeccomp, the errno that its system call
// filter returns for openat2.
const refuseEnv = "BENEATH_TEST_REFUSE_OPENAT2"

func TestMain(m *testing.M) {
	if s := os.Getenv(refuseEnv); s != "" {
		errno, err := strconv.Atoi(s)
		if err == nil {
			err = refuseSyscall(unix.SYS_OPENAT2, unix.Errno(errno))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "install seccomp filter:", err)
			os.Exit(3)
		}
	}
	os.Exit(m.Run())
}

// refuseSyscall installs a filter on all threads that makes the system call nr
// fail with errno, as container engines do for calls they do not know.
func refuseSyscall(nr uint32, errno unix.Errno) error {
	const retAllow, retErrno = 0x7fff0000, 0x00050000 // SECCOMP_RET_
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: nr},
		{Code: unix.BPF_RET | unix.BPF_K, K: retErrno | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	r, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if e != 0 {
		return e
	}
	if r != 0 {
		return fmt.Errorf("thread %d cannot take the filter", r)
	}
	return nil
}

// TestSeccomp runs the tables again in processes that are really refused
// openat2, one with each errno in use: old engines answer EPERM, newer ones
// ENOSYS, systemd what its unit says.
func TestSeccomp(t *testing.T) {
	if os.Getenv(refuseEnv) != "" {
		t.Skip("is the child")
	}
	t.Parallel()
	exe, err := os.Executable()
	must(t, err)
	for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS, unix.EACCES} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), exe, "-test.v",
				"-test.run=^(TestRefused|TestEscapes|TestEscapesOfDirs|TestMagicLinks|TestRace)$")
			cmd.Env = append(os.Environ(), refuseEnv+"="+strconv.Itoa(int(errno)))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("child: %v\n%s", err, out)
			}
			for _, name := range []string{"TestRefused", "TestEscapes", "TestEscapesOfDirs", "TestRace"} {
				if !strings.Contains(string(out), "--- PASS: "+name+" ") {
					t.Errorf("child did not run %s:\n%s", name, out)
				}
			}
		})
	}
}

// TestRefused checks, in the children, that the filter works and was noticed.
func TestRefused(t *testing.T) {
	want, err := strconv.Atoi(os.Getenv(refuseEnv))
	if err != nil {
		t.Skip("runs in the children of TestSeccomp")
	}
	if _, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{}); err != unix.Errno(want) {
		t.Fatalf("openat2: got %v, want %v", err, unix.Errno(want))
	}
	d, err := Open(".", InRoot)
	must(t, err)
	defer d.Close()
	if !d.means.walk {
		t.Error("refusal of openat2 was not noticed")
	}
}
