package main

import (
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// layerDetail is the output of inspect-layer, and a layer in that of other commands.
// Its JSON is an interface for programs: fields are added, not changed.
type layerDetail struct {
	ID               string        `json:"id"`
	Names            []string      `json:"names,omitempty"`
	Parent           string        `json:"parent,omitempty"`
	Created          time.Time     `json:"created"`
	DiffID           digest.Digest `json:"diffID,omitempty"`
	ExpectedDiffID   digest.Digest `json:"expectedDiffID,omitempty"` // unverified
	Size             int64         `json:"size"`                     // bytes of the tar; -1 if not known
	CompressedDigest digest.Digest `json:"compressedDigest,omitempty"`
	CompressedSize   int64         `json:"compressedSize"` // bytes of the blob as pulled; -1 if not known
	Compression      string        `json:"compression"`    // of the blob as pulled
	TOCDigest        digest.Digest `json:"tocDigest,omitempty"`
	UIDMap           []idMap       `json:"uidMap,omitempty"`
	GIDMap           []idMap       `json:"gidMap,omitempty"`
	BigData          []string      `json:"bigData,omitempty"`
	Driver           string        `json:"driver"`
	Link             string        `json:"link,omitempty"`  // link id
	Lower            []string      `json:"lower,omitempty"` // ids of lower layers by the driver's files, nearest first
	Store            string        `json:"store"`
	ReadOnly         bool          `json:"readOnly"`
	// Problems are where the driver's files and the records disagree.
	Problems []string `json:"problems,omitempty"`
}

type idMap struct {
	ContainerID int `json:"containerID"`
	HostID      int `json:"hostID"`
	Size        int `json:"size"`
}

func (a *app) inspectLayer() *cobra.Command {
	var chain bool
	var format string
	cmd := &cobra.Command{
		Use:   "inspect-layer LAYER",
		Short: "Show a layer's record and how the driver keeps it",
		Long: `Show what is recorded of a layer, and what the overlay driver's own files (link,
lower, lower-layers) say of it. Where they contradict the records, "problems" tells.
With --chain a list is printed: the layer and all those below it, base first.`,
		Example: "  cstor inspect-layer 9e3985fa1618\n  cstor inspect-layer --chain --format '{{range .}}{{.ID}} {{.Size}}{{\"\\n\"}}{{end}}' 9e3985fa1618",
		Args:    args(1, 1, "one LAYER"),
		RunE: func(cmd *cobra.Command, got []string) error {
			s, err := a.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			l, err := findLayer(s, got[0])
			if err != nil {
				return err
			}
			if !chain {
				return printOne(a.stdout, format, layerOf(l))
			}
			layers, err := l.Chain()
			if err != nil {
				return err
			}
			var all []layerDetail
			for _, l := range layers {
				all = append(all, layerOf(l))
			}
			return printOne(a.stdout, format, all)
		},
		ValidArgsFunction: a.completeLayer(1),
	}
	cmd.Flags().BoolVar(&chain, "chain", false, "show all layers from the base to this one")
	cmd.Flags().StringVar(&format, "format", "json", "print as \"json\" or by a Go `TEMPLATE`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// recordOf is what the lists say of a layer: nothing else is read.
func recordOf(l *cstor.Layer) layerDetail {
	root, role := l.Store()
	d := layerDetail{
		ID: l.ID(), Names: l.Names(), Parent: l.ParentID(), Created: l.Created(),
		DiffID: l.DiffID(), ExpectedDiffID: l.ExpectedDiffID(), Size: l.DiffSize(),
		CompressedDigest: l.CompressedDigest(), CompressedSize: l.CompressedSize(), Compression: l.Compression(),
		TOCDigest: l.TOCDigest(), BigData: l.BigDataNames(), Driver: l.Driver(), Store: root, ReadOnly: role == cstor.RoleAdditional,
	}
	for _, m := range l.UIDMap() {
		d.UIDMap = append(d.UIDMap, idMap(m))
	}
	for _, m := range l.GIDMap() {
		d.GIDMap = append(d.GIDMap, idMap(m))
	}
	return d
}

// layerOf adds what the driver's files say.
func layerOf(l *cstor.Layer) layerDetail {
	d := recordOf(l)
	if l.Driver() != "overlay" {
		return d
	}
	var err error
	if d.Link, err = l.Link(); err != nil {
		d.Problems = append(d.Problems, err.Error())
	}
	if d.Lower, err = l.LowerIDs(); err != nil {
		d.Problems = append(d.Problems, err.Error())
	} else if err = l.CheckLower(); err != nil {
		d.Problems = append(d.Problems, err.Error())
	}
	return d
}
