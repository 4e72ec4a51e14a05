package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cstor-go/cstor"
)

// layerExport is one run of export-layer, as its flags say.
type layerExport struct {
	*app
	output, image, platform           string
	noVerify, crc, approximate, quiet bool
}

func (a *app) exportLayer() *cobra.Command {
	e := layerExport{app: a}
	cmd := &cobra.Command{
		Use:   "export-layer LAYER... | --image IMAGE",
		Short: "Write layers' tars, byte for byte, checked against their diff ids",
		Long: `Write the tar that a layer was unpacked from, byte for byte as it was before
compression, and check it against the diff id that the store recorded.

A FILE appears under its name only when it is complete and right. What is there and
is not a regular file (a FIFO, a device, a symbolic link) is written to in place. On
standard output, and in place, a mismatch is known when all has been written: exit
status 1 then says that it must not be used.

In a directory DIR the file is called LAYER.tar, with the layer's full id. Several
layers, and those of an image, need a DIR, which is made if it is not there. If one of
them cannot be exported, the others are given up; files that were complete by then
stay.

Containers' layers, and some that were pulled in parts, were never seen as a tar, so
no exact one exists: that is an error, or, with --approximate, a tar is made from the
layer's table of contents or its files. It is the same each time, but has another
digest than the tar that a registry may know.`,
		Example: `  cstor export-layer 9e3985fa1618 -o layer.tar
  cstor export-layer 9e3985fa1618 | tar -t
  cstor export-layer --image alpine -o layers
  cstor export-layer 9e3985fa1618 4abcf2066143 -o layers
  cstor export-layer 9e3985fa1618 | tar-diff original.tar.gz -`,
		RunE:              e.run,
		ValidArgsFunction: a.completeLayer(1 << 10),
	}
	f := cmd.Flags()
	f.StringVarP(&e.output, "output", "o", "", "write to `FILE|DIR` instead of standard output")
	f.StringVar(&e.image, "image", "", "export all layers of `IMAGE`")
	f.StringVar(&e.platform, "platform", "", "choose this `OS/ARCH[/VARIANT]` of a list of manifests")
	f.BoolVar(&e.noVerify, "no-verify", false, "check sizes only: files whose content was changed in the store go unnoticed")
	f.BoolVar(&e.crc, "crc", false, "also compare each file with its CRC-64, to stop at the first that is wrong")
	f.BoolVar(&e.approximate, "approximate", false, "make a tar from the layer's files where the exact one does not exist")
	f.BoolVarP(&e.quiet, "quiet", "q", false, "show no progress")
	_ = cmd.MarkFlagFilename("output", "tar")
	_ = cmd.RegisterFlagCompletionFunc("image", a.completeImage())
	return cmd
}

func (e *layerExport) run(cmd *cobra.Command, got []string) error {
	several, err := e.check(cmd, got)
	if err != nil {
		return err
	}
	s, layers, err := e.layers(cmd, got)
	if err != nil {
		return err
	}
	defer s.Close()
	// A layer without a tar is known before anything is opened for writing.
	for _, l := range layers {
		r, err := l.Tar(cmd.Context(), cstor.TarOptions{Approximate: e.approximate})
		if errors.Is(err, cstor.ErrNoTar) {
			err = hint(err, "--approximate makes a tar from its files")
		}
		if err != nil {
			return err
		}
		_ = r.Close() // was only opened
	}
	defer e.progress.stop()
	if several || e.output != "-" && isDirectory(e.output) {
		return e.intoDirectory(cmd.Context(), s, layers)
	}
	out, err := e.create(cmd.Context(), s, e.output)
	if err != nil {
		return err
	}
	return e.write(cmd.Context(), layers[0], out)
}

// check finds wrong usage. It reports whether a file for each layer is to be made.
func (e *layerExport) check(cmd *cobra.Command, got []string) (several bool, err error) {
	several = e.image != "" || len(got) > 1
	standard := e.output == "" || e.output == "-"
	switch _, err := parsePlatform(e.platform); {
	case e.image != "" && len(got) > 0:
		return several, usagef("--image stands for all layers of an image: it takes no LAYER beside it")
	case e.image == "" && cmd.Flags().Changed("image"):
		return several, usagef("--image is empty")
	case !several && len(got) == 0:
		return several, usagef("export-layer takes LAYERs, or --image IMAGE")
	case e.output == "" && cmd.Flags().Changed("output"):
		return several, usagef("--output is empty")
	case e.platform != "" && e.image == "":
		return several, usagef("--platform goes with --image")
	case err != nil:
		return several, err
	case e.crc && e.noVerify:
		return several, usagef("--crc and --no-verify contradict each other: choose one")
	case several && standard:
		return several, usagef("several layers do not fit into one tar: use -o DIR, for a file each")
	case several && !isDirectory(e.output):
		if _, err := os.Stat(e.output); err == nil {
			return several, usagef("%s is not a directory: several layers need one, for a file each", e.output)
		}
	case standard:
		if f, ok := e.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return several, usagef("a tar is not written to a terminal: use -o FILE, or pipe it somewhere")
		}
	}
	return several, nil
}

// layers opens the store and finds what is to be exported, each layer once. The
// caller closes the store.
func (e *layerExport) layers(cmd *cobra.Command, got []string) (*cstor.Storage, []*cstor.Layer, error) {
	if e.image != "" {
		want, err := parsePlatform(e.platform)
		if err != nil {
			return nil, nil, err
		}
		s, i, err := e.openImageContent(cmd, e.image)
		if err != nil {
			return nil, nil, err
		}
		layers, err := imageLayers(i, want)
		if err != nil {
			_ = s.Close() // was only read
		}
		return s, layers, err
	}
	s, err := e.openContent(cmd)
	if err != nil {
		return nil, nil, err
	}
	var layers []*cstor.Layer
	have := map[string]bool{}
	for _, name := range got {
		l, err := findLayer(s, name)
		if err != nil {
			_ = s.Close() // was only read
			return nil, nil, err
		}
		if !have[l.ID()] {
			layers = append(layers, l)
		}
		have[l.ID()] = true
	}
	return s, layers, nil
}

// write writes one layer to out, which it commits or aborts.
func (e *layerExport) write(ctx context.Context, l *cstor.Layer, out *output) error {
	defer out.abort()
	if out.regular() && !e.quiet {
		e.progress.start(e.stderr)
	}
	t := e.progress.begin(&task{name: short(l.ID()), total: l.DiffSize()})
	report, err := l.WriteTar(ctx, out.Writer, cstor.WriteOptions{
		NoVerify: e.noVerify, CheckCRC: e.crc, Approximate: e.approximate, Progress: t.add,
	})
	if err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	t.done()
	switch {
	case report.Approximate:
		if !e.quiet {
			e.progress.print(e.stderr, fmt.Sprintf("cstor: layer %s: no exact tar exists: this one was made from its files\n", l))
		}
	case report.Verified == cstor.VerifiedCRC:
		e.warn(fmt.Errorf("layer %s: %w", l, errNoDiffID))
	case report.Verified == cstor.VerifiedNothing && !e.noVerify:
		e.warn(fmt.Errorf("layer %s: %w", l, errUnchecked))
	}
	return nil
}

var (
	errNoDiffID  = errors.New("no diff id is recorded: its files have the right CRC-64, and the rest of the tar could not be checked")
	errUnchecked = errors.New("no diff id is recorded, nor a CRC-64 of every file: not all of the tar could be checked")
)
