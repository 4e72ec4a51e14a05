package main

import (
	"strings"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// layerRow is a layer as a table shows it.
type layerRow struct {
	ID, Parent   string
	DiffID       string
	Names        []string
	Size         string
	Compression  string
	CreatedAt    string
	CreatedSince string
	Created      string
	Store        string
}

func (a *app) listLayers() *cobra.Command {
	l := listing[layerRow]{
		id:    func(r layerRow) string { return r.ID },
		heads: map[string]string{"ID": "LAYER ID", "CreatedSince": "CREATED"},
	}
	var platform string
	cmd := &cobra.Command{
		Use:     "list-layers [IMAGE]",
		Aliases: []string{"layers"},
		Short:   "List all layers, or those of an image, base first",
		Example: "  cstor list-layers\n  cstor list-layers alpine\n  cstor list-layers --quiet --no-trunc alpine",
		Args:    args(0, 1, "one IMAGE at most"),
		RunE: func(cmd *cobra.Command, got []string) error {
			layers, err := a.layersOf(cmd, got, platform)
			if err != nil {
				return err
			}
			if l.format == "json" && !l.quiet {
				all := make([]layerDetail, 0, len(layers))
				for _, layer := range layers {
					all = append(all, recordOf(layer))
				}
				return printJSON(a.stdout, all)
			}
			rows := make([]layerRow, 0, len(layers))
			now := time.Now()
			for _, layer := range layers {
				rows = append(rows, rowOf(layer, l.noTrunc || l.quiet, now))
			}
			l.columns = layerColumns
			return l.print(a.stdout, rows)
		},
		ValidArgsFunction: a.completeImage(),
	}
	l.flags(cmd, "ids")
	cmd.Flags().StringVar(&platform, "platform", "", "choose this `OS/ARCH[/VARIANT]` of a list of manifests")
	return cmd
}

var layerColumns = []column[layerRow]{
	{"LAYER ID", false, func(r layerRow) string { return r.ID }},
	{"PARENT", false, func(r layerRow) string { return r.Parent }},
	{"DIFF ID", false, func(r layerRow) string { return r.DiffID }},
	{"CREATED", false, func(r layerRow) string { return r.CreatedSince }},
	{"SIZE", false, func(r layerRow) string { return r.Size }},
	{"NAMES", true, func(r layerRow) string { return strings.Join(r.Names, ",") }},
}

// layersOf returns the layers of the image in got, or all.
func (a *app) layersOf(cmd *cobra.Command, got []string, platform string) ([]*cstor.Layer, error) {
	if len(got) == 1 {
		want, err := parsePlatform(platform)
		if err != nil {
			return nil, err
		}
		s, i, err := a.openImage(cmd, got[0])
		if err != nil {
			return nil, err
		}
		defer s.Close()
		return imageLayers(i, want)
	}
	if platform != "" {
		return nil, usagef("--platform goes with an IMAGE")
	}
	s, err := a.open(cmd)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var all []*cstor.Layer
	for l, err := range s.Layers() {
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// imageLayers are the layers of an image, or of a list's instance for a platform,
// base first.
func imageLayers(i *cstor.Image, want v1.Platform) ([]*cstor.Layer, error) {
	if i.TopLayerID() == "" || want.OS != "" {
		var err error
		if i, err = i.Instance(want); err != nil {
			return nil, err
		}
	}
	return i.Layers()
}

func rowOf(l *cstor.Layer, full bool, now time.Time) layerRow {
	trunc := short
	if full {
		trunc = func(s string) string { return s }
	}
	r := layerRow{
		ID: trunc(l.ID()), Parent: trunc(l.ParentID()), DiffID: trunc(l.DiffID().String()), Names: l.Names(),
		Size: size(l.DiffSize()), Compression: l.Compression(),
		CreatedAt: l.Created().UTC().Format(time.RFC3339), CreatedSince: ago(l.Created(), now),
	}
	r.Created = r.CreatedSince
	r.Store, _ = l.Store()
	if r.DiffID == "" {
		r.DiffID = "-"
	}
	if r.Parent == "" {
		r.Parent = "-"
	}
	return r
}
