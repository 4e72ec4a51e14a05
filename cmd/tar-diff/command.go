package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/tardiff"
)

// diff is one run of the program.
type diff struct {
	stdin   io.Reader
	stdout  io.Writer
	started bool // the arguments were understood
	status  int  // unless there is an error

	// flags
	format     string
	quiet      bool
	digests    bool
	limit      int // of differences that are shown; negative: as the format has it
	maxEntries int
}

func (d *diff) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tar-diff A B",
		Short: "Say where two tar archives differ, down to the byte",
		Long: `Compare two tar archives byte for byte, and say what is different: entries that are
missing, extra, or elsewhere, fields of headers, PAX records and GNU's long names,
encodings of a field that means the same, content, padding, and what stands behind the
last entry.

A and B are files, pipes, or "-" for standard input, compressed with gzip, zstd, bzip2 or not
at all: what is inside is compared. They are read as streams, once, in memory that does
not grow with them, unless their entries come in different orders.

An entry is compared with that of the same name: "./x" and "x" are two entries. Numbers
of entries and offsets in the (uncompressed) archives count from 0; "a -> b" is what A
and B have. What moved is the least that can have.

The exit status is 0 if the archives are the same after decompression, byte for byte; 1
if they differ; 2 if they could not be compared to the end, because one is damaged,
unreadable, or no tar.`,
		Example: `  tar-diff original.tar.gz exported.tar
  cstor export-layer 9e3985fa1618 | tar-diff original.tar.gz -
  tar-diff <(git archive v1.0) <(git archive v1.1)
  tar-diff --format json --digests old.tar.zst new.tar.zst | jq .differences[].kind`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          twoArchives,
		RunE:          d.run,
		ValidArgsFunction: func(_ *cobra.Command, have []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(have) >= 2 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&d.format, "format", "text", "report as \"text\" or \"json\"")
	f.BoolVarP(&d.quiet, "quiet", "q", false, "print nothing, stop at the first difference: the exit status tells")
	f.IntVar(&d.limit, "max-differences", -1, "show the first `N` differences and count the others, 0 to show all (default 100, json: all)")
	f.Lookup("max-differences").DefValue = "0" // is in the text
	f.BoolVar(&d.digests, "digests", false, "also print the SHA-256 of both uncompressed archives, the diff ids of layers")
	f.IntVar(&d.maxEntries, "max-entries", tardiff.DefaultMaxEntries, "give up when `N` entries would have to be remembered, as they come in another order")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"max-differences", "max-entries"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func twoArchives(_ *cobra.Command, got []string) error {
	switch {
	case len(got) != 2:
		return fmt.Errorf("tar-diff takes two archives A and B, not %s", count(len(got), "argument"))
	case got[0] == "" || got[1] == "":
		return errors.New("the name of an archive is empty")
	case got[0] == "-" && got[1] == "-":
		return errors.New("only one of the archives can be standard input")
	}
	return nil
}

// report is one form of what is printed.
type report interface {
	difference(d *tardiff.Difference) error
	// end closes the report; more differences were not shown. Err is why the
	// comparison ended early, or nil.
	end(s *tardiff.Summary, more int64, err error) error
}

func (d *diff) run(cmd *cobra.Command, names []string) error {
	switch {
	case d.format != "text" && d.format != "json":
		return fmt.Errorf("--format %q: \"text\" or \"json\" was expected", d.format)
	case d.limit < 0 && cmd.Flag("max-differences").Changed:
		return fmt.Errorf("--max-differences %d is negative", d.limit)
	case d.maxEntries < 1:
		return fmt.Errorf("--max-entries %d: a positive number was expected", d.maxEntries)
	}
	d.started = true
	a, b, err := d.open(names)
	if err != nil {
		return err
	}
	defer a.close()
	defer b.close()
	if d.quiet {
		return d.compareQuietly(cmd.Context(), a, b)
	}
	var out report = newText(d.stdout, a, b)
	if d.format == "json" {
		out = newDocument(d.stdout, a, b)
	}
	return d.compare(cmd.Context(), a, b, out)
}

func (d *diff) compareQuietly(ctx context.Context, a, b *input) error {
	for _, err := range tardiff.Compare(ctx, a.r, b.r, tardiff.Options{MaxEntries: d.maxEntries}) {
		if err != nil {
			return explain(err, a, b)
		}
		d.status = different
		break
	}
	return nil
}

func (d *diff) compare(ctx context.Context, a, b *input, out report) error {
	limit := int64(d.limit)
	if d.limit < 0 && d.format == "text" {
		limit = 100
	}
	var s tardiff.Summary
	var n int64
	var failed error
	for one, err := range tardiff.Compare(ctx, a.r, b.r, tardiff.Options{MaxEntries: d.maxEntries, Digests: d.digests, Summary: &s}) {
		if err != nil {
			failed = explain(err, a, b)
			break
		}
		if n++; limit > 0 && n > limit {
			continue
		}
		if err := out.difference(&one); err != nil {
			return err
		}
	}
	more := int64(0)
	if limit > 0 {
		more = max(n-limit, 0)
	}
	if n > 0 {
		d.status = different
	}
	return errors.Join(failed, out.end(&s, more, failed))
}

// explain puts the name of an archive where the library has A or B.
func explain(err error, a, b *input) error {
	if both, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range both.Unwrap() {
			all = append(all, explain(err, a, b))
		}
		return errors.Join(all...)
	}
	var bad *tardiff.ArchiveError
	if errors.As(err, &bad) {
		name := map[string]string{"A": a.title(), "B": b.title()}[bad.Archive]
		return fmt.Errorf("%s: offset %d: %w", name, bad.Offset, bad.Err)
	}
	if errors.Is(err, tardiff.ErrLimit) {
		return fmt.Errorf("%w (--max-entries allows more)", err)
	}
	return err
}

func count[N int | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
