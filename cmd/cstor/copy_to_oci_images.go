package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// find opens the store and finds the images, each by the name that it shall have. The
// caller closes the store.
func (x *ociCopy) find(cmd *cobra.Command, names []string) (*cstor.Storage, []ocicopy.Image, error) {
	if x.all {
		return x.findAll(cmd)
	}
	if len(names) > 1 {
		for _, text := range names {
			if ref, err := cstor.ParseReference(text); err == nil && ref.GraphRoot+ref.Driver != "" {
				return nil, nil, usagef("%s names a store: that goes with one IMAGE; --root names it for all", text)
			}
		}
	}
	s, first, err := x.openImageContent(cmd, names[0])
	if err != nil {
		return nil, nil, err
	}
	images := []ocicopy.Image{{Image: first, Ref: x.refFor(first, names[0])}}
	for _, text := range names[1:] {
		i, err := s.Image(text)
		if errors.Is(err, cstor.ErrNotFound) {
			err = notFound(s, err, `"cstor list-images" shows what is stored`)
		}
		if err != nil {
			_ = s.Close() // was only read
			return nil, nil, err
		}
		images = append(images, ocicopy.Image{Image: i, Ref: x.refFor(i, text)})
	}
	return s, images, nil
}

// refFor is what an image is called at the destination: by REF; else by that of its names
// by which it was found; "" is the first of its names.
func (x *ociCopy) refFor(i *cstor.Image, text string) string {
	if x.to.Transport == ocicopy.TransportDocker {
		return x.to.Path + ":" + x.to.Ref
	}
	if x.to.Ref != "" {
		return x.to.Ref
	}
	typed := strings.TrimPrefix(text, cstor.Transport)
	if at := strings.LastIndexByte(typed, ']'); at >= 0 {
		typed = typed[at+1:]
	}
	for _, end := range []string{typed, typed + ":latest"} {
		for _, name := range i.Names() {
			if name == end || strings.HasSuffix(name, "/"+end) {
				return name
			}
		}
	}
	return ""
}

// findAll finds all images, by all their names.
func (x *ociCopy) findAll(cmd *cobra.Command) (*cstor.Storage, []ocicopy.Image, error) {
	s, err := x.openContent(cmd)
	if err != nil {
		return nil, nil, err
	}
	var images []ocicopy.Image
	taken := map[string]string{} // ids by name
	for i, err := range s.Images() {
		if err != nil {
			_ = s.Close() // was only read
			return nil, nil, err
		}
		if len(i.Names()) == 0 {
			images = append(images, ocicopy.Image{Image: i})
		}
		for _, name := range i.Names() {
			if id, ok := taken[name]; ok && id != i.ID() {
				root, _ := i.Store()
				x.leaveOut(fmt.Errorf("%s: image %s, in the store %s: image %s, which comes first, is called so, too", name, short(i.ID()), root, short(id)))
				continue
			}
			taken[name] = i.ID()
			images = append(images, ocicopy.Image{Image: i, Ref: name})
		}
	}
	if len(images) == 0 {
		_ = s.Close() // was only read
		return nil, nil, errors.New("there are no images to copy")
	}
	return s, images, nil
}

// leaveOut tells that one of all images is not copied, which does not stop the others.
func (x *ociCopy) leaveOut(err error) {
	x.progress.print(x.stderr, fmt.Sprintf("cstor: not copied: %s\n", oneLine(err.Error())))
	x.failed = errTold
}

// readable looks at images before anything is made of them. Of all images it leaves those
// that can be copied: an incomplete one, or a list that has nothing for the platform, is
// left out.
func (x *ociCopy) readable(cmd *cobra.Command, images []ocicopy.Image, opts ocicopy.Options) (good []ocicopy.Image, err error) {
	for _, i := range images {
		s, err := ocisource.Open(cmd.Context(), i.Image, opts.Source)
		switch {
		case err == nil:
			_ = s.Close() // was only opened
			good = append(good, i)
		case !x.all || errors.Is(err, ocisource.ErrOptions) || cmd.Context().Err() != nil:
			return nil, err
		case i.Ref != "":
			x.leaveOut(fmt.Errorf("%s: %w", i.Ref, err))
		default:
			x.leaveOut(err)
		}
	}
	return good, nil
}
