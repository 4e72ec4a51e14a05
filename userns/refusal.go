package userns

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// RefusedError means that the system lets the calling user make no user namespace.
type RefusedError struct {
	// Reason is the setting that forbids it, and how it is changed; or what else it
	// may be.
	Reason string
	// Err is what the kernel said; nil if it was not asked.
	Err error
}

func (e *RefusedError) Error() string {
	if e.Err == nil {
		return "a user namespace cannot be made: " + e.Reason
	}
	return fmt.Sprintf("a user namespace cannot be made: %v: %s", e.Err, e.Reason)
}

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// setting is one that forbids user namespaces when it has a value.
type setting struct {
	path, forbids string
	advice        string
}

var settings = []setting{
	{"/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces is 0: an administrator can set it to, say, 15000 (sysctl)"},
	{"/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone is 0: an administrator can set it to 1 (sysctl)"},
}

func (s setting) applies() bool {
	value, err := os.ReadFile(s.path)
	return err == nil && strings.TrimSpace(string(value)) == s.forbids
}

// refusal says why a process was not born into a user namespace, if that is what err
// is about (clone(2), user_namespaces(7)).
func refusal(err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	for _, s := range settings {
		if s.applies() {
			return &RefusedError{s.advice, errno}
		}
	}
	switch errno {
	case unix.ENOSPC, unix.EUSERS:
		return &RefusedError{"there are as many as user.max_user_namespaces allows, here or in a namespace around this one, or they are nested too deep", errno}
	case unix.EPERM, unix.EACCES:
		return &RefusedError{"a container's runtime, a chroot, or a security module forbids it", errno}
	case unix.EINVAL:
		return &RefusedError{"the kernel was built without them", errno}
	}
	return err
}

// The setting by which Ubuntu takes from user namespaces what they are for: programs
// without a profile of their own can make one, but have no capabilities inside.
const (
	apparmorRestricts = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
	apparmorProfile   = "/proc/self/attr/apparmor/current"
)

// restricted returns an error if AppArmor would let a namespace be made that is of no
// use.
func restricted(restricts, profile string) error {
	value, _ := os.ReadFile(restricts) // is there on Ubuntu
	label, _ := os.ReadFile(profile)
	if n, _ := strconv.Atoi(strings.TrimSpace(string(value))); n == 0 || strings.TrimSpace(string(label)) != "unconfined" {
		return nil
	}
	return &RefusedError{Reason: "kernel.apparmor_restrict_unprivileged_userns is 1: it needs an AppArmor profile for this program with the rule \"userns,\""}
}
