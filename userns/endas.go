package userns

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// endAs ends this process as another one has ended, with the same exit status or by
// the same signal.
func endAs(state *os.ProcessState) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		os.Exit(state.ExitCode())
	}
	by := status.Signal()
	// One core file, of the process that it is about, is enough.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// The runtime would do its own with some signals, even after signal.Reset.
	replace(by, sigaction{})
	_ = unix.Kill(unix.Getpid(), by)
	time.Sleep(100 * time.Millisecond)
	os.Exit(128 + int(by)) // as shells say it
}

// sigaction has room for the kernel's struct sigaction on every architecture. Empty it is
// SIG_DFL.
type sigaction [64]byte

// replace has the kernel do something else about a signal, and returns what it did before.
func replace(s syscall.Signal, by sigaction) (old sigaction) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&by)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	return old
}

// ignored reports whether nothing at all is done about a signal (proc_pid_status(5)).
func ignored(s syscall.Signal) bool {
	status, _ := os.ReadFile("/proc/self/status")
	_, mask, _ := strings.Cut(string(status), "\nSigIgn:\t")
	mask, _, _ = strings.Cut(mask, "\n")
	set, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && set>>(s-1)&1 != 0
}
