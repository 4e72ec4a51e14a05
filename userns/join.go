package userns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// join becomes, within a namespace, the running program from its start: nsenter joins
// it, which only a process of one thread can, and executes the program. The process
// stays the same one, and so there is nothing to do about signals, job control, and
// the exit status. It returns only with an error.
func join(ns *namespace) error {
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return missing("nsenter", "package util-linux")
	}
	program, err := executable()
	if err != nil {
		return err
	}
	fd := int(ns.Fd())
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil { // nsenter opens it by its number
		return os.NewSyscallError("fcntl F_SETFD", err)
	}
	args := []string{
		"nsenter", "--user=/proc/self/fd/" + strconv.Itoa(fd),
		// The user is root inside already. Without this nsenter would leave his groups,
		// by which he may read or write things that are not of the namespace.
		"--preserve-credentials",
		"--", program,
	}
	err = syscall.Exec(nsenter, append(args, os.Args[1:]...), enteredEnv(fmt.Sprintf("namespace %d", fd)))
	unix.CloseOnExec(fd)
	return fmt.Errorf("%s: %w", nsenter, err)
}

var errReplaced = errors.New("the program's file was replaced or removed since it started")

// executable is a name of the running program that another program can use.
func executable() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	named, err := os.Stat(path)
	if err != nil {
		return "", errReplaced
	}
	running, err := os.Stat("/proc/self/exe")
	if err != nil {
		return "", err
	}
	if !os.SameFile(named, running) {
		return "", errReplaced
	}
	return path, nil
}
