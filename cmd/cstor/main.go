// Command cstor reads what podman, buildah and CRI-O have stored on disk.
//
// Each file that is named after a command holds that command; root.go has what they
// share, and the other files one thing each that several of them do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/cstor-go/cstor/userns"
)

func main() {
	userns.Init()
	// A short life with little in memory: collecting less often is a tenth of the
	// time of a listing.
	debug.SetGCPercent(400)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. The exit status is 1 for an error, 2 for wrong usage,
// and 128 more than a signal's number after that.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	cmd := a.command()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	used, err := cmd.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if by, ok := interruptedBy(ctx); ok { // whatever else came of it
		a.sayInterrupted()
		return by.status()
	}
	if errors.Is(err, errTold) {
		return 1
	}
	if usage := (usageError{}); !a.started || errors.As(err, &usage) {
		fmt.Fprintf(stderr, "cstor: %s (see %q)\n", oneLine(err.Error()), used.CommandPath()+" --help")
		return 2
	}
	fmt.Fprintf(stderr, "cstor: %s\n", oneLine(err.Error()))
	return 1
}

// oneLine is a message as it is printed: a joined error has several lines, and what
// is named in it comes from a store, perhaps with bytes that control a terminal.
func oneLine(text string) string {
	return printable(strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "))
}

// usageError is about how the program was called.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
