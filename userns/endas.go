package userns

import (
	"os"
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
	// The runtime would do its own with some signals, even after signal.Reset. An
	// empty struct sigaction is SIG_DFL on every architecture.
	var none [64]byte
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(by), uintptr(unsafe.Pointer(&none)), 0, 8, 0, 0)
	_ = unix.Kill(unix.Getpid(), by)
	time.Sleep(100 * time.Millisecond)
	os.Exit(128 + int(by)) // as shells say it
}
