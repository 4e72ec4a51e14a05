package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/libpoddb"
)

// infoJSON is the output of info --format json.
type infoJSON struct {
	Version    string          `json:"version"`
	Stores     []storeJSON     `json:"stores"`
	Databases  []databaseJSON  `json:"databases"` // podman's
	Considered []cstor.Finding `json:"considered"`
	Warnings   []string        `json:"warnings,omitempty"`
	Error      string          `json:"error,omitempty"` // why no store was found
}

type storeJSON struct {
	Root       string `json:"root"`
	Role       string `json:"role"`
	Driver     string `json:"driver"`
	User       string `json:"user,omitempty"`
	RunRoot    string `json:"runRoot,omitempty"`
	Images     int    `json:"images"` // -1 if the list cannot be read
	Layers     int    `json:"layers"`
	Containers int    `json:"containers"`
	Error      string `json:"error,omitempty"`
}

type databaseJSON struct {
	File          string `json:"file"`
	Store         string `json:"store"`
	User          string `json:"user,omitempty"`
	SchemaVersion int    `json:"schemaVersion,omitempty"`
	RunRoot       string `json:"runRoot,omitempty"` // as podman noted it
	Containers    int    `json:"containers"`
	Pods          int    `json:"pods"`
	Volumes       int    `json:"volumes"`
	Rebooted      bool   `json:"rebooted,omitempty"` // the system has booted since podman used it
	Error         string `json:"error,omitempty"`    // why it cannot be read
}

func (a *app) info() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Show which stores are read, why, and what they hold",
		Long: `Show which configuration files and variables were considered, what each of them
decided, which stores that led to, and how much they hold: the command to run when an
image is not found.`,
		Args: args(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, err := a.collectInfo(cmd)
			if format == "table" || format == "" {
				if werr := printInfo(a.stdout, info); werr != nil {
					return werr
				}
			} else if werr := printOne(a.stdout, format, info); werr != nil {
				return werr
			}
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringVar(&format, "format", "table", "print as \"table\", \"json\", or by a Go `TEMPLATE`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// collectInfo returns what was found, also if that is no store and an error.
func (a *app) collectInfo(cmd *cobra.Command) (*infoJSON, error) {
	j := &infoJSON{Version: versionOf().Version, Stores: []storeJSON{}, Databases: []databaseJSON{}, Considered: []cstor.Finding{}}
	s, err := a.find(cmd)
	if failed := (*cstor.DiscoverError)(nil); errors.As(err, &failed) {
		j.Considered = failed.Considered
	}
	if err != nil {
		plain := err
		if h := (*hinted)(nil); errors.As(err, &h) {
			plain = h.err // the advice was to run this command
		}
		j.Error = plain.Error()
		return j, plain
	}
	defer s.Close()
	info, err := s.Info()
	if err != nil {
		return j, err
	}
	j.Considered = info.Considered
	for _, w := range info.Warnings {
		j.Warnings = append(j.Warnings, w.Error())
	}
	for _, st := range info.Stores {
		one := storeJSON{
			Root: st.Root, Role: string(st.Role), Driver: st.Driver, User: st.User, RunRoot: st.RunRoot,
			Images: st.Images, Layers: st.Layers, Containers: st.Containers,
		}
		if st.Err != nil {
			one.Error = st.Err.Error()
		}
		j.Stores = append(j.Stores, one)
	}
	j.Databases, err = a.databaseInfo(cmd, s)
	return j, err
}

// databaseInfo lists podman's databases, also those that cannot be read.
func (a *app) databaseInfo(cmd *cobra.Command, s *cstor.Storage) ([]databaseJSON, error) {
	all := []databaseJSON{}
	found, err := libpoddb.Read(cmd.Context(), s, libpoddb.Options{})
	for _, db := range found {
		one := databaseJSON{
			File: db.File, Store: db.Store, User: db.User, SchemaVersion: db.Config.SchemaVersion, RunRoot: db.Config.RunRoot,
			Containers: len(db.Containers()), Pods: len(db.Pods()), Volumes: len(db.Volumes()),
		}
		if a.sysroot == "" {
			one.Rebooted, _ = db.Rebooted()
		}
		if err := errors.Join(db.Problems...); err != nil {
			one.Error = err.Error()
		}
		all = append(all, one)
	}
	for _, err := range unjoin(err) {
		failed := (*libpoddb.Error)(nil)
		if !errors.As(err, &failed) {
			return all, err
		}
		all = append(all, databaseJSON{File: failed.File, Store: failed.Store, Error: failed.Err.Error()})
	}
	return all, nil
}

func printInfo(w io.Writer, info *infoJSON) error {
	stores := [][]string{{"STORE", "ROLE", "DRIVER", "USER", "IMAGES", "LAYERS", "CONTAINERS"}}
	for _, s := range info.Stores {
		user := s.User
		if user == "" {
			user = "-"
		}
		stores = append(stores, []string{s.Root, s.Role, s.Driver, user, number(s.Images), number(s.Layers), number(s.Containers)})
	}
	if len(info.Stores) > 0 {
		if err := writeTable(w, stores); err != nil {
			return err
		}
	}
	for _, s := range info.Stores {
		if s.Error != "" {
			fmt.Fprintf(w, "problem: %s\n", oneLine(s.Error))
		}
	}
	if err := printDatabases(w, info.Databases); err != nil {
		return err
	}
	for _, text := range info.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(text))
	}
	if len(info.Considered) == 0 {
		return nil
	}
	considered := [][]string{{"CONSIDERED", "", "STATE", "RULES", "WHY"}}
	for _, f := range info.Considered {
		name := f.Name
		switch f.Kind {
		case "variable":
			name = "$" + name
		case "flag":
			name = "--" + strings.TrimPrefix(name, "--")
		}
		if f.User != "" {
			name = f.User + ": " + name
		}
		considered = append(considered, []string{f.Kind, name, f.State, f.Rules, f.Why})
	}
	if len(info.Stores) > 0 {
		fmt.Fprintln(w)
	}
	return writeTable(w, considered, 4)
}

func printDatabases(w io.Writer, all []databaseJSON) error {
	if len(all) == 0 {
		return nil
	}
	lines := [][]string{{"PODMAN'S DATABASE", "CONTAINERS", "PODS", "VOLUMES"}}
	for _, d := range all {
		line := []string{d.File, "-", "-", "-"}
		if d.SchemaVersion > 0 {
			line = []string{d.File, number(d.Containers), number(d.Pods), number(d.Volumes)}
		}
		lines = append(lines, line)
	}
	fmt.Fprintln(w)
	if err := writeTable(w, lines); err != nil {
		return err
	}
	for _, d := range all {
		if d.Error != "" {
			fmt.Fprintf(w, "problem: %s: %s\n", printable(d.File), oneLine(d.Error))
		}
		if d.Rebooted {
			fmt.Fprintf(w, "%s: the system has booted since podman used it last\n", printable(d.File))
		}
	}
	return nil
}

func number(n int) string {
	if n < 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
