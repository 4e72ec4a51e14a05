package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
)

// imageExport is one run of export-image, as its flags say.
type imageExport struct {
	subject
	output, path  string
	verify, quiet bool
}

func (a *app) exportImage() *cobra.Command {
	e := &imageExport{subject: subject{app: a}}
	cmd := &cobra.Command{
		Use:   "export-image IMAGE | --container NAME",
		Short: "Write the root filesystem of an image as one flat tar",
		Long: `Write what an image or a container shows, the layers merged, as one tar without whiteouts, as
"podman export" does of a container. Metadata are those of the layers' tar headers. The
tar is the same each time, sorted by name; it is none of the layers' tars, of which
export-layer gives exact copies.

A container's files may change while they are read. A file that does is an error that
names it: try again, or pause the container.

A FILE appears under its name only when it is complete. What is there and is not a
regular file (a FIFO, a device, a symbolic link) is written to in place.`,
		Example: "  cstor export-image alpine | tar -t\n  cstor export-image alpine -o rootfs.tar\n  cstor export-image --container web -o web.tar",
		RunE:    e.run,
		ValidArgsFunction: func(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if e.named() {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeImage()(cmd, have, typed)
		},
	}
	e.treeFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&e.output, "output", "o", "", "write to `FILE` instead of standard output")
	f.StringVar(&e.path, "path", "", "write the directory `PATH` of the image alone")
	f.BoolVar(&e.verify, "verify", false, "check content by the layers' diff ids before anything is written")
	f.BoolVarP(&e.quiet, "quiet", "q", false, "show no progress and no summary")
	_ = cmd.MarkFlagFilename("output", "tar")
	_ = cmd.RegisterFlagCompletionFunc("platform", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("path", e.completeIn)
	return cmd
}

func (e *imageExport) run(cmd *cobra.Command, got []string) error {
	if err := e.usage(cmd, got); err != nil {
		return err
	}
	began := time.Now()
	s, layers, err := e.open(cmd, got, true)
	if err != nil {
		return err
	}
	defer s.Close()
	out, err := e.create(cmd.Context(), s, e.output)
	if err != nil {
		return err
	}
	defer out.abort()
	// What is kept is many times as much as in other commands: see main.
	debug.SetGCPercent(100)
	defer e.progress.stop()
	if out.regular() && !e.quiet {
		e.progress.start(e.stderr)
	}
	t := e.progress.begin(&task{name: "image", total: -1})
	report, err := extract.Tar(cmd.Context(), layers, out.Writer, extract.TarOptions{Path: e.path, Verify: e.verify, Progress: t.add})
	if err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	t.done()
	e.progress.stop()
	e.warnUnverified(report.Unverified)
	if !e.quiet && out.name != "" {
		e.progress.print(e.stderr, fmt.Sprintf("%s: %s, %s, %.1f s\n", printable(e.output), count(int(report.Files), "file"),
			size(t.bytes.Load()), time.Since(began).Seconds()))
	}
	return nil
}

// usage finds wrong usage.
func (e *imageExport) usage(cmd *cobra.Command, got []string) error {
	rest, _, err := e.check(cmd, got)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("export-image takes one thing: %s", e.choices(cmd))
	case e.output == "" && cmd.Flags().Changed("output"):
		return usagef("--output is empty")
	}
	if f, ok := e.stdout.(*os.File); ok && (e.output == "" || e.output == "-") && term.IsTerminal(int(f.Fd())) {
		return usagef("a tar is not written to a terminal: use -o FILE, or pipe it somewhere")
	}
	return nil
}

// warnUnverified names layers whose content was to be checked, and could not be.
func (a *app) warnUnverified(layers []*cstor.Layer) {
	for _, l := range layers {
		a.warn(fmt.Errorf("layer %s: %w", l, errNoDigests))
	}
}

var errNoDigests = errors.New("not all of its content could be checked: there are no digests, or unpacking did not keep all of its tar")
