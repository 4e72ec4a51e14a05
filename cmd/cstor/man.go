package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// man writes the manual pages: "make man" calls it.
func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages into DIR",
		Hidden: true,
		Args:   args(1, 1, "one DIR"),
		RunE: func(cmd *cobra.Command, got []string) error {
			if err := os.MkdirAll(got[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same pages on every day
			date := time.Unix(0, 0).UTC() // cobra wants one
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "cstor", Manual: "cstor", Date: &date}, got[0])
		},
	}
}
