package userns

import "os/exec"

// missingError says that a program is not there, and where to get it. It matches
// exec.ErrNotFound.
type missingError struct{ name, from string }

func missing(name, from string) error { return &missingError{name, from} }

func (e *missingError) Error() string { return e.name + " is not in PATH (" + e.from + ")" }

func (e *missingError) Unwrap() error { return exec.ErrNotFound }
