// Command tar-diff says where two tar archives differ, down to the byte.
//
// command.go has the command line, text.go and json.go the two forms of its report;
// the comparison itself is package tardiff.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit statuses, which are those of diff and cmp.
const (
	same      = 0
	different = 1
	trouble   = 2
)

// Nothing has to be put in order when a signal comes: the runtime ends the program.
func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	d := &diff{stdin: stdin, stdout: stdout}
	cmd := d.command()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	if err == nil {
		return d.status
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if !d.started {
		text += ` (see "tar-diff --help")`
	}
	fmt.Fprintf(stderr, "tar-diff: %s\n", printable(text))
	return trouble
}
