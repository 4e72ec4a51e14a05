package userns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// join becomes, within a namespace, the running program from its start: nsenter joins
// it, which only a process of one thread can, and executes the program. The process
// stays the same one, and so there is nothing to do about signals, job control, and
// the exit status. It returns only with an error.
func join(ns *namespace) error {
	fd := int(ns.Fd())
	path, args, err := nsenter(fd)
	if err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil { // nsenter opens it by its number
		return os.NewSyscallError("fcntl F_SETFD", err)
	}
	err = syscall.Exec(path, append(args, os.Args[1:]...), enteredEnv(fmt.Sprintf("namespace %d", fd)))
	unix.CloseOnExec(fd)
	return fmt.Errorf("%s: %w", path, err)
}

// startJoined starts a command that [self] made in a namespace. Its role begins there.
func startJoined(cmd *exec.Cmd, ns *namespace) error {
	fd := 3 + len(cmd.ExtraFiles)
	path, args, err := nsenter(fd)
	if err != nil {
		return err
	}
	cmd.Path, cmd.Args = path, append(args, cmd.Args[1:]...)
	cmd.Env = withMarker(cmd.Env, fmt.Sprintf("joined %d %s", fd, markerOf(cmd.Env)))
	cmd.ExtraFiles = append(cmd.ExtraFiles, ns.File)
	return cmd.Start()
}

// joined is the role of a process that startJoined started. It is told the
// namespace's descriptor, and the role that comes next.
func joined(told string) {
	number, next, _ := strings.Cut(told, " ")
	if fd, err := strconv.Atoi(number); err == nil {
		closeNamespace(fd)
		role(next)
	}
}

// nsenter is the command line by which nsenter executes the running program in the
// namespace of a descriptor.
func nsenter(fd int) (path string, args []string, err error) {
	path, err = exec.LookPath("nsenter")
	if err != nil {
		return "", nil, missing("nsenter", "package util-linux")
	}
	program, err := executable()
	return path, []string{
		"nsenter", "--user=/proc/self/fd/" + strconv.Itoa(fd),
		// The user is root inside already. Without this nsenter would leave his groups,
		// by which he may read or write things that are not of the namespace.
		"--preserve-credentials",
		"--", program,
	}, err
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
