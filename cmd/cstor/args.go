package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// args says which arguments a command takes, in words of its usage line.
func args(low, high int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		if len(got) < low || len(got) > high {
			return usagef("%s takes %s, not %s", cmd.Name(), what, count(len(got), "argument"))
		}
		return nil
	}
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func (a *app) warn(err error) {
	a.progress.print(a.stderr, fmt.Sprintf("cstor: warning: %s\n", oneLine(err.Error())))
}
