package main

import (
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// subject is what a command shows the content of: an image, its first argument, or
// what a flag names in the place of that.
type subject struct {
	*app
	layer, container, platform string
}

// flags are those of commands that also take a layer alone.
func (x *subject) flags(cmd *cobra.Command) {
	x.treeFlags(cmd)
	cmd.Flags().StringVar(&x.layer, "layer", "", "take one `LAYER`, by its own files, instead of an IMAGE")
	_ = cmd.RegisterFlagCompletionFunc("layer", x.completeLayer(1<<10))
}

// treeFlags are those of commands that show a root file system.
func (x *subject) treeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&x.container, "container", "", "take the container `NAME`, as it is at present, instead of an IMAGE")
	f.StringVar(&x.platform, "platform", "", "choose this `OS/ARCH[/VARIANT]` of a list of manifests")
	_ = cmd.RegisterFlagCompletionFunc("container", x.completeContainer(1<<10))
	_ = cmd.RegisterFlagCompletionFunc("platform", cobra.NoFileCompletions)
}

// named reports whether a flag names the subject, so that no argument does.
func (x *subject) named() bool { return x.layer != "" || x.container != "" }

// alone reports whether it is one layer, without those below it.
func (x *subject) alone() bool { return x.layer != "" }

// name is what the subject was called.
func (x *subject) name(got []string) string {
	switch {
	case x.layer != "":
		return "layer " + x.layer
	case x.container != "":
		return "container " + x.container
	}
	return got[0]
}

// choices are what may stand for the subject, for messages.
func (x *subject) choices(cmd *cobra.Command) string {
	if cmd.Flags().Lookup("layer") == nil {
		return "an IMAGE, or --container NAME"
	}
	return "an IMAGE, --container NAME, or --layer LAYER"
}

// check finds wrong usage, and returns the arguments behind the subject.
func (x *subject) check(cmd *cobra.Command, got []string) (rest []string, want v1.Platform, err error) {
	want, err = parsePlatform(x.platform)
	switch {
	case err != nil:
		return nil, want, err
	case x.layer == "" && cmd.Flags().Changed("layer"):
		return nil, want, usagef("--layer is empty")
	case x.container == "" && cmd.Flags().Changed("container"):
		return nil, want, usagef("--container is empty")
	case x.layer != "" && x.container != "":
		return nil, want, usagef("--layer and --container name two things: choose one")
	case x.named() && x.platform != "":
		return nil, want, usagef("--platform goes with an IMAGE")
	case x.named():
		return got, want, nil
	case len(got) == 0:
		return nil, want, usagef("%s takes %s", cmd.Name(), x.choices(cmd))
	}
	return got[1:], want, nil
}

// findNamed finds what a flag names, and its layers, base first.
func (x *subject) findNamed(s *cstor.Storage) ([]*cstor.Layer, error) {
	if x.layer != "" {
		l, err := findLayer(s, x.layer)
		return []*cstor.Layer{l}, err
	}
	c, err := findContainer(s, x.container)
	if err != nil {
		return nil, err
	}
	return c.Layers()
}

// open opens the store and finds the subject's layers, base first. The caller closes
// the store. With content, the layers' files can be read; else only their entries, which of
// a container's layer are told by its files.
func (x *subject) open(cmd *cobra.Command, got []string, content bool) (*cstor.Storage, []*cstor.Layer, error) {
	_, want, err := x.check(cmd, got)
	if err != nil {
		return nil, nil, err
	}
	var s *cstor.Storage
	var layers []*cstor.Layer
	if x.named() {
		if s, err = x.find(cmd); err != nil {
			return nil, nil, err
		}
		layers, err = x.findNamed(s)
	} else {
		var i *cstor.Image
		if s, i, err = x.findImage(cmd, got[0]); err != nil {
			return nil, nil, err
		}
		layers, err = imageLayers(i, want)
	}
	if err == nil && (content || needsFiles(layers)) {
		err = x.enter(cmd.Context(), s)
	} else {
		x.warnAbout(s)
	}
	if err != nil {
		_ = s.Close() // was only read
		return nil, nil, err
	}
	return s, layers, nil
}

// needsFiles reports whether the entries of a layer are known by its files only.
func needsFiles(layers []*cstor.Layer) bool {
	for _, l := range layers {
		if from, err := l.EntrySource(); err != nil || from == cstor.EntriesOfTree {
			return true
		}
	}
	return false
}
