package userns

import "os/exec"

// missingError says that a program is not there, in the words that it has for that.
// It matches exec.ErrNotFound.
type missingError string

// missing is about one program, and where to get it.
func missing(name, from string) error { return missingError(name + " is not in PATH (" + from + ")") }

func (e missingError) Error() string { return string(e) }

func (missingError) Unwrap() error { return exec.ErrNotFound }
