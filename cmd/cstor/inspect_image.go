package main

import (
	"errors"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// imageDetail is the output of inspect-image. Its JSON is an interface for
// programs: fields are added, not changed.
type imageDetail struct {
	ID           string            `json:"id"`
	Names        []string          `json:"names"`
	NamesHistory []string          `json:"namesHistory,omitempty"`
	Digest       digest.Digest     `json:"digest,omitempty"`
	Digests      []digest.Digest   `json:"digests,omitempty"`
	MediaType    string            `json:"mediaType,omitempty"`
	Created      time.Time         `json:"created"`
	Size         int64             `json:"size"` // bytes, uncompressed; -1 if the layers are not all there
	Architecture string            `json:"architecture,omitempty"`
	OS           string            `json:"os,omitempty"`
	Variant      string            `json:"variant,omitempty"`
	Author       string            `json:"author,omitempty"`
	Config       *v1.ImageConfig   `json:"config,omitempty"`
	History      []v1.History      `json:"history,omitempty"`
	DiffIDs      []digest.Digest   `json:"diffIDs,omitempty"` // as the configuration has them
	TopLayer     string            `json:"topLayer,omitempty"`
	MappedLayers []string          `json:"mappedLayers,omitempty"`
	Layers       []layerDetail     `json:"layers,omitempty"`     // with --layers; base first
	Containers   []user            `json:"containers,omitempty"` // made from it
	Instances    []instance        `json:"instances,omitempty"`
	BigData      []bigData         `json:"bigData,omitempty"`
	Metadata     string            `json:"metadata,omitempty"`
	Labels       map[string]string `json:"-"` // for templates
	Store        string            `json:"store"`
	ReadOnly     bool              `json:"readOnly"`
	// Problems are why something above is missing.
	Problems []string `json:"problems,omitempty"`
}

// instance is an image that a list of manifests names.
type instance struct {
	Digest   digest.Digest `json:"digest"`
	Platform string        `json:"platform,omitempty"`
	ID       string        `json:"id,omitempty"` // of the image, if a store has it
}

type bigData struct {
	Key    string        `json:"key"`
	Size   int64         `json:"size"`
	Digest digest.Digest `json:"digest,omitempty"`
}

func (a *app) inspectImage() *cobra.Command {
	var layers, raw, config bool
	var format, platform string
	cmd := &cobra.Command{
		Use:   "inspect-image IMAGE",
		Short: "Show an image's manifest, configuration and layers",
		Long: `Show what is stored of an image: its names and digests, its configuration, its
layers. With --raw the manifest and with --config the configuration are printed as
they are stored, byte for byte.

If IMAGE is a list of manifests, its instance for --platform, or else for this
machine, is shown; --raw without --platform prints the list itself.`,
		Example: "  cstor inspect-image alpine\n  cstor inspect-image --layers --format json 4200e55d\n  cstor inspect-image --config alpine | jq .config.Env",
		Args:    args(1, 1, "one IMAGE"),
		RunE: func(cmd *cobra.Command, got []string) error {
			if raw && config {
				return usagef("--raw and --config print different things: choose one")
			}
			want, err := parsePlatform(platform)
			if err != nil {
				return err
			}
			s, i, err := a.openImage(cmd, got[0])
			if err != nil {
				return err
			}
			defer s.Close()
			if !raw || platform != "" {
				one, err := i.Instance(want)
				switch {
				case err == nil:
					i = one
				case config || (platform != "" && !errors.Is(err, cstor.ErrIncomplete)):
					return err
				}
				// Otherwise what there is is shown, and "problems" tells of the rest.
			}
			switch {
			case raw:
				b, _, err := i.Manifest()
				return a.writeBytes(b, err)
			case config:
				_, b, err := i.Config()
				if err == nil && b == nil {
					err = errors.New("a schema 1 image has no configuration of its own: see --raw")
				}
				return a.writeBytes(b, err)
			}
			return printOne(a.stdout, format, detail(s, i, layers))
		},
		ValidArgsFunction: a.completeImage(),
	}
	f := cmd.Flags()
	f.BoolVar(&layers, "layers", false, "also show each layer")
	f.BoolVar(&raw, "raw", false, "print the manifest as it is stored")
	f.BoolVar(&config, "config", false, "print the configuration as it is stored")
	f.StringVar(&platform, "platform", "", "choose this `OS/ARCH[/VARIANT]` of a list of manifests")
	f.StringVar(&format, "format", "json", "print as \"json\" or by a Go `TEMPLATE`")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func parsePlatform(text string) (v1.Platform, error) {
	if text == "" {
		return v1.Platform{}, nil
	}
	p, err := cstor.ParsePlatform(text)
	if err != nil {
		return p, usageError{err}
	}
	return p, nil
}

func (a *app) writeBytes(b []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(b)
	return err
}

// detail collects what can be had of an image.
func detail(s *cstor.Storage, i *cstor.Image, layers bool) *imageDetail {
	root, role := i.Store()
	d := &imageDetail{
		ID: i.ID(), Names: list(i.Names()), NamesHistory: i.NamesHistory(), Digest: i.Digest(), Digests: i.Digests(),
		Created: i.Created(), Size: imageSize(i), TopLayer: i.TopLayerID(), MappedLayers: i.MappedLayerIDs(),
		Metadata: i.Metadata(), Store: root, ReadOnly: role == cstor.RoleAdditional,
	}
	problem := func(err error) {
		if err != nil {
			d.Problems = append(d.Problems, err.Error())
		}
	}
	used, err := usersOf(s)
	problem(err)
	d.Containers = used[imageKey{i.User(), i.ID()}]
	raw, mediaType, err := i.Manifest()
	problem(err)
	if d.MediaType = mediaType; cstor.IsList(mediaType) {
		d.Instances = instances(s, raw)
	} else if err == nil {
		config, _, err := i.Config()
		if problem(err); err == nil {
			d.Architecture, d.OS, d.Variant, d.Author = config.Architecture, config.OS, config.Variant, config.Author
			d.Config, d.History, d.DiffIDs, d.Labels = &config.Config, config.History, config.RootFS.DiffIDs, config.Config.Labels
		}
	}
	chain, err := i.Layers()
	problem(err)
	if layers {
		for _, l := range chain {
			d.Layers = append(d.Layers, layerOf(l))
		}
	}
	for _, key := range i.BigDataNames() {
		n, ok := i.BigDataSize(key)
		if !ok {
			n = -1
		}
		d.BigData = append(d.BigData, bigData{key, n, i.BigDataDigest(key)})
	}
	return d
}
