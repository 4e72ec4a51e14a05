package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
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
			date, err := manDate()
			if err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same pages on every day
			return manPages(root, got[0], date)
		},
	}
}

// manDate is the month of the manual pages: that of SOURCE_DATE_EPOCH (seconds since
// 1970), or of the commit that the program was built from; zero if neither is known.
func manDate() (time.Time, error) {
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		n, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("$SOURCE_DATE_EPOCH: %w", err)
		}
		return time.Unix(n, 0).UTC(), nil
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "vcs.time" {
				return time.Parse(time.RFC3339, s.Value)
			}
		}
	}
	return time.Time{}, nil
}

// manPages writes the page of c and those of its commands.
func manPages(c *cobra.Command, dir string, date time.Time) error {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := manPages(sub, dir, date); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "cstor", Manual: "cstor", Date: &date}, &b); err != nil {
		return err
	}
	page := b.Bytes()
	if date.IsZero() { // cobra prints a date in any case
		page = bytes.Replace(page, []byte(date.Format(`"Jan 2006"`)), []byte(`""`), 1)
	}
	return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"), page, 0o644)
}
