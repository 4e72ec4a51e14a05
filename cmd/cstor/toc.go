package main

import (
	"context"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
	"github.com/cstor-go/cstor/toc"
)

// contents is one run of toc, as its flags say.
type contents struct {
	subject
	pretty, digests, quiet bool
}

func (a *app) toc() *cobra.Command {
	x := contents{subject: subject{app: a}}
	cmd := &cobra.Command{
		Use:   "toc IMAGE | --container NAME | --layer LAYER",
		Short: "Print a table of contents as JSON, in the form of eStargz",
		Long: `Print what a layer or an image holds as JSON, in the form of an eStargz table of
contents (stargz.index.json), an entry a line. Of a layer, it has the entries of its
tar in their order, whiteouts included; of an image or a container, the merged tree. Nothing but
headers is read, unless --digests asks for the SHA-256 of each file: it is taken from
the table of contents that a layer was pulled by, if it has one, else computed.

It lists what is there. It is not a table for pulling lazily: there is no blob for
it to point into.`,
		Example: "  cstor toc alpine | grep '\"name\":\"etc/'\n  cstor toc --layer 9e3985fa1618 --digests --pretty",
		RunE:    x.run,
		ValidArgsFunction: func(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if x.named() {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeImage()(cmd, have, typed)
		},
	}
	x.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&x.pretty, "pretty", false, "indent")
	f.BoolVar(&x.digests, "digests", false, "add the SHA-256 of each file")
	f.BoolVarP(&x.quiet, "quiet", "q", false, "show no progress")
	return cmd
}

func (x *contents) run(cmd *cobra.Command, got []string) error {
	rest, _, err := x.check(cmd, got)
	if err == nil && len(rest) > 0 {
		err = usagef("toc takes one thing: %s", x.choices(cmd))
	}
	if err != nil {
		return err
	}
	s, layers, err := x.open(cmd, got, x.digests)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := cmd.Context()
	var files iter.Seq2[toc.File, error]
	if x.alone() {
		files, err = x.ofLayer(ctx, layers[0])
	} else {
		files, err = x.ofImage(ctx, layers)
	}
	if err != nil {
		return err
	}
	entries := plainEntries(files)
	if x.digests {
		defer x.progress.stop()
		if !x.quiet {
			x.progress.start(x.stderr)
		}
		t := x.progress.begin(&task{name: "digests", total: -1})
		entries = toc.Digests(ctx, files, toc.DigestOptions{Progress: t.add})
	}
	return toc.Encode(x.stdout, entries, toc.EncodeOptions{Indent: x.pretty})
}

func plainEntries(files iter.Seq2[toc.File, error]) iter.Seq2[*toc.Entry, error] {
	return func(yield func(*toc.Entry, error) bool) {
		for f, err := range files {
			if !yield(f.Entry, err) {
				return
			}
		}
	}
}

// ofLayer yields the entries of a layer's tar.
func (x *contents) ofLayer(ctx context.Context, l *cstor.Layer) (iter.Seq2[toc.File, error], error) {
	known, err := x.knownDigests(l, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	return func(yield func(toc.File, error) bool) {
		for e, err := range l.Entries(ctx) {
			var f toc.File
			if err == nil {
				f, err = fileOf(l, e, known)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}, nil
}

// ofImage yields the nodes of the merged tree that a header names.
func (x *contents) ofImage(ctx context.Context, layers []*cstor.Layer) (iter.Seq2[toc.File, error], error) {
	tree, err := newMerged(ctx, layers, false)
	if err != nil {
		return nil, err
	}
	known := make([]digests, len(layers))
	for i, l := range layers {
		known[i], err = x.knownDigests(l, func(name string) bool {
			n, ok := tree.Lookup(name)
			return ok && n.Layer == i
		})
		if err != nil {
			return nil, err
		}
	}
	return func(yield func(toc.File, error) bool) {
		for n := range tree.All() {
			if err := context.Cause(ctx); err != nil {
				yield(toc.File{}, err)
				return
			}
			if n.Layer < 0 {
				continue
			}
			f, err := fileOf(layers[n.Layer], n.Entry, known[n.Layer])
			if err == nil {
				inTree(f.Entry, n)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}, nil
}

// inTree gives an entry its place in the merged tree.
func inTree(e *toc.Entry, n merge.Node) {
	e.Name = n.Path
	switch {
	case e.Type == toc.TypeDir:
		e.Name += "/"
	case n.Link != "": // all else is said of the first name
		*e = toc.Entry{
			Name: n.Path, Type: toc.TypeHardlink, LinkName: n.Link, Mode: e.Mode, UID: e.UID, GID: e.GID,
			UserName: e.UserName, GroupName: e.GroupName, ModTime: e.ModTime,
		}
	}
}

// fileOf makes a table's entry of a tar's.
func fileOf(l *cstor.Layer, e *tarsplit.Entry, known digests) (toc.File, error) {
	t, err := toc.From(e)
	if err != nil {
		return toc.File{}, err
	}
	if t.Type == toc.TypeReg && t.Digest == "" {
		t.Digest = known.of(e.Name)
	}
	return toc.File{Entry: t, Open: func() (*os.File, error) { return l.OpenFile(e.File) }}, nil
}
