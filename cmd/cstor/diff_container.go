package main

import (
	"bufio"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/changes"
)

// containerDiff is one run of diff-container, as its flags say.
type containerDiff struct {
	*app
	format string
	all    bool
}

func (a *app) diffContainer() *cobra.Command {
	x := &containerDiff{app: a}
	cmd := &cobra.Command{
		Use:   "diff-container NAME",
		Short: "List what a container has changed",
		Long: `List what a container has changed in the root filesystem of its image, as "podman
diff" does: "C" stands before what was changed, "A" before what was added, "D" before
what was deleted. NAME is a name, an id, or the beginning of one.

Its own layer tells what has changed, without mounting it. A file that is in that layer
counts as changed, whatever it holds. What a container engine puts into all containers
(/etc/hosts, /run and so on) is left out. A container may change more while
this is printed.

With --format json, one object: "changed", "added" and "deleted" have paths.`,
		Example:           "  cstor diff-container web\n  cstor diff-container --format json web | jq -r '.added[]'",
		Args:              args(1, 1, "the NAME of a container"),
		RunE:              x.run,
		ValidArgsFunction: a.completeContainer(1),
	}
	f := cmd.Flags()
	f.StringVar(&x.format, "format", "table", "print as \"table\" or \"json\"")
	f.BoolVar(&x.all, "all", false, "list also what a container engine puts into all containers")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// changesReport is what podman prints (podman cmd/podman/diff/diff.go:ChangesReportJSON).
type changesReport struct {
	Changed []string `json:"changed,omitempty"`
	Added   []string `json:"added,omitempty"`
	Deleted []string `json:"deleted,omitempty"`
}

func (x *containerDiff) run(cmd *cobra.Command, got []string) error {
	if x.format != "table" && x.format != "json" {
		return usagef("--format %q: \"table\" or \"json\" was expected", x.format)
	}
	s, err := x.find(cmd)
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := findContainer(s, got[0])
	if err != nil {
		return err
	}
	layers, err := c.Layers()
	if err == nil {
		err = x.enter(cmd.Context(), s)
	}
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(x.stdout, 64<<10)
	var report changesReport
	for change, err := range changes.Of(cmd.Context(), layers, changes.Options{All: x.all}) {
		if err != nil {
			return err
		}
		if x.format == "json" {
			report.add(change)
			continue
		}
		if _, err := w.WriteString(string(change.Kind) + " " + printable(change.Path) + "\n"); err != nil {
			return err
		}
	}
	if x.format == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "     ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (r *changesReport) add(c changes.Change) {
	switch c.Kind {
	case changes.Added:
		r.Added = append(r.Added, c.Path)
	case changes.Deleted:
		r.Deleted = append(r.Deleted, c.Path)
	default:
		r.Changed = append(r.Changed, c.Path)
	}
}
