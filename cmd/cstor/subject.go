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
	layer, platform string
}

func (x *subject) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&x.layer, "layer", "", "take one `LAYER`, by its own files, instead of an IMAGE")
	f.StringVar(&x.platform, "platform", "", "choose this `OS/ARCH[/VARIANT]` of a list of manifests")
	_ = cmd.RegisterFlagCompletionFunc("layer", x.completeLayer(1))
}

// named reports whether a flag names the subject, so that no argument does.
func (x *subject) named() bool { return x.layer != "" }

// name is what the subject was called.
func (x *subject) name(got []string) string {
	if x.named() {
		return "layer " + x.layer
	}
	return got[0]
}

// check finds wrong usage, and returns the arguments behind the subject.
func (x *subject) check(cmd *cobra.Command, got []string) (rest []string, want v1.Platform, err error) {
	want, err = parsePlatform(x.platform)
	switch {
	case err != nil:
		return nil, want, err
	case x.layer == "" && cmd.Flags().Changed("layer"):
		return nil, want, usagef("--layer is empty")
	case x.named() && x.platform != "":
		return nil, want, usagef("--platform goes with an IMAGE")
	case x.named():
		return got, want, nil
	case len(got) == 0:
		return nil, want, usagef("%s takes an IMAGE, or --layer LAYER", cmd.Name())
	}
	return got[1:], want, nil
}

// open opens the store and finds the subject's layers, base first. The caller closes
// the store. With content, the layers' files can be read; else only their entries.
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
		var l *cstor.Layer
		l, err = findLayer(s, x.layer)
		layers = []*cstor.Layer{l}
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
