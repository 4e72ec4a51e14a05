package main

import (
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
)

// completePath offers an image for the first argument, and paths in it for up to n
// behind that.
func (x *subject) completePath(n int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if !x.named() && len(have) == 0 {
			return x.completeImage()(cmd, have, typed)
		}
		paths, _, err := x.check(cmd, have)
		if err != nil || len(paths) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return x.completeIn(cmd, have, typed)
	}
}

// completeIn offers paths in the subject. It completes flags too, where the arguments
// before them name an image.
func (x *subject) completeIn(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	none := cobra.ShellCompDirectiveNoFileComp
	_, want, err := x.check(cmd, have)
	if err != nil {
		return nil, none
	}
	s, err := x.find(cmd)
	if err != nil {
		return nil, none
	}
	defer s.Close()
	var layers []*cstor.Layer
	if x.named() {
		layers, err = x.findNamed(s)
	} else {
		var i *cstor.Image
		if i, err = s.Image(have[0]); err == nil {
			layers, err = imageLayers(i, want)
		}
	}
	if err != nil {
		return nil, none
	}
	tree, err := imagefs.New(layers, imagefs.Options{})
	if err != nil {
		return nil, none
	}
	return pathsIn(tree, typed)
}

// pathsIn offers what is in the directory of a path that has been typed.
func pathsIn(tree *imagefs.FS, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	dir, _ := path.Split(typed)
	at := strings.TrimPrefix(path.Clean("/"+dir), "/")
	if at == "" {
		at = "."
	}
	list, err := tree.ReadDir(at)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var fit []cobra.Completion
	directive := cobra.ShellCompDirectiveNoFileComp
	for _, e := range list {
		name := dir + e.Name()
		if !strings.HasPrefix(name, typed) || printable(name) != name {
			continue
		}
		if e.IsDir() {
			name += "/"
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		fit = append(fit, name)
	}
	return fit, directive
}
