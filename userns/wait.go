package userns

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// wait is the role of a process in a new user namespace that has no ids yet: it
// waits for them, and is then executed anew, because that is what gives root its
// capabilities: those that it was born with went away when an id that nobody had
// mapped executed it (capabilities(7), "Capabilities and execution of programs by
// root"). It is told a descriptor, a socket to its parent, and the role that comes
// next.
//
// If the parent is gone, so is this process. An error is what it answers; otherwise
// the socket closes when the program is executed.
func wait(told string) {
	number, next, _ := strings.Cut(told, " ")
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 3 {
		return // nobody that we know started this
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return
	}
	unix.CloseOnExec(fd)
	if n, err := unix.Read(fd, make([]byte, 1)); n != 1 || err != nil {
		os.Exit(1)
	}
	err = fmt.Errorf("it is user %d inside", os.Geteuid())
	if os.Geteuid() == 0 {
		err = execSelf(withMarker(os.Environ(), next))
	}
	_, _ = unix.Write(fd, []byte(err.Error())) // nobody else can be told
	os.Exit(1)
}

// execSelf executes the program anew by its name, which is then the process's too,
// or without.
func execSelf(env []string) error {
	if path, err := executable(); err == nil {
		_ = unix.Exec(path, os.Args, env)
	}
	return unix.Exec("/proc/self/exe", os.Args, env)
}
