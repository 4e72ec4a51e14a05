package main

import (
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// imageRow is an image under one of its names, as a table shows it. JSON has one
// object an image: see imageJSON.
type imageRow struct {
	Repository, Tag string
	ID              string
	Names           []string
	Digest          string
	CreatedAt       string
	CreatedSince    string
	Created         string
	Size            string
	Containers      []string // names of those made from it
	// with --verbose
	Type    string
	Digests []string
	Layers  int
	Store   string

	created time.Time
}

// imageJSON is an image in the output of list-images --format json.
type imageJSON struct {
	ID           string          `json:"id"`
	Names        []string        `json:"names"`
	NamesHistory []string        `json:"namesHistory,omitempty"`
	Digest       digest.Digest   `json:"digest,omitempty"`
	Digests      []digest.Digest `json:"digests,omitempty"`
	Created      time.Time       `json:"created"`
	Size         int64           `json:"size"` // bytes; -1 if the layers are not all there
	TopLayer     string          `json:"topLayer,omitempty"`
	Containers   []user          `json:"containers,omitempty"` // made from it
	Store        string          `json:"store"`
	ReadOnly     bool            `json:"readOnly"`
	// with --verbose
	MediaType string   `json:"mediaType,omitempty"`
	Layers    []string `json:"layers,omitempty"` // ids, base first
}

func (a *app) listImages() *cobra.Command {
	var verbose bool
	l := listing[imageRow]{
		id:    func(r imageRow) string { return r.ID },
		heads: map[string]string{"ID": "IMAGE ID", "CreatedSince": "CREATED"},
	}
	cmd := &cobra.Command{
		Use:     "list-images",
		Aliases: []string{"images"},
		Short:   "List images, newest first",
		Example: "  cstor list-images\n  cstor list-images --verbose\n  cstor list-images --format '{{.ID}} {{.Repository}}:{{.Tag}}'",
		Args:    args(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			var images []*cstor.Image
			for i, err := range s.Images() {
				if err != nil {
					return err
				}
				images = append(images, i)
			}
			slices.SortStableFunc(images, func(x, y *cstor.Image) int { return y.Created().Compare(x.Created()) })
			used, err := usersOf(s)
			if err != nil {
				a.warn(err) // the images are there all the same
			}
			if l.format == "json" && !l.quiet {
				return a.printImagesJSON(images, used, verbose)
			}
			var rows []imageRow
			now := time.Now()
			for _, i := range images {
				rows = append(rows, a.imageRows(i, used[imageKey{i.User(), i.ID()}], &l, verbose, now)...)
			}
			l.columns = imageColumns(verbose)
			return l.print(a.stdout, rows)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also print manifest type, digests, number of layers, time of creation, and the containers made from it")
	l.flags(cmd, "ids")
	return cmd
}

func imageColumns(verbose bool) []column[imageRow] {
	columns := []column[imageRow]{
		{"REPOSITORY", true, func(r imageRow) string { return r.Repository }},
		{"TAG", false, func(r imageRow) string { return r.Tag }},
		{"IMAGE ID", false, func(r imageRow) string { return r.ID }},
	}
	if verbose {
		columns = append(columns,
			column[imageRow]{"TYPE", false, func(r imageRow) string { return r.Type }},
			column[imageRow]{"DIGESTS", false, func(r imageRow) string { return strings.Join(r.Digests, ",") }},
			column[imageRow]{"LAYERS", false, func(r imageRow) string { return number(r.Layers) }},
			column[imageRow]{"CONTAINERS", true, func(r imageRow) string { return strings.Join(r.Containers, ",") }},
			column[imageRow]{"CREATED", false, func(r imageRow) string { return r.CreatedAt }})
	} else {
		columns = append(columns, column[imageRow]{"CREATED", false, func(r imageRow) string { return r.CreatedSince }})
	}
	return append(columns, column[imageRow]{"SIZE", false, func(r imageRow) string { return r.Size }})
}

// imageRows gives a row for each name, as podman does. A listing shows what it can:
// an image that is being pulled, or damaged, has "-" for what is not there.
func (a *app) imageRows(i *cstor.Image, used []user, l *listing[imageRow], verbose bool, now time.Time) []imageRow {
	trunc := short
	if l.noTrunc || l.quiet {
		trunc = func(s string) string { return s }
	}
	r := imageRow{
		ID: trunc(i.ID()), Names: i.Names(), Digest: i.Digest().String(),
		CreatedAt: i.Created().UTC().Format(time.RFC3339), CreatedSince: ago(i.Created(), now), created: i.Created(),
	}
	r.Created = r.CreatedSince
	if l.quiet {
		return []imageRow{r}
	}
	for _, u := range used {
		r.Containers = append(r.Containers, u.String())
	}
	r.Size = size(imageSize(i))
	r.Store, _ = i.Store()
	if verbose {
		for _, d := range i.Digests() {
			r.Digests = append(r.Digests, trunc(d.String()))
		}
		r.Type, r.Layers = "-", -1
		if _, mediaType, err := i.Manifest(); err == nil {
			r.Type = manifestName(mediaType)
		}
		if layers, err := i.Layers(); err == nil {
			r.Layers = len(layers)
		}
	}
	if len(i.Names()) == 0 {
		r.Repository, r.Tag = "<none>", "<none>"
		return []imageRow{r}
	}
	rows := make([]imageRow, 0, len(i.Names()))
	for _, name := range i.Names() {
		r.Repository, r.Tag = splitName(name)
		rows = append(rows, r)
	}
	return rows
}

func (a *app) printImagesJSON(images []*cstor.Image, used map[imageKey][]user, verbose bool) error {
	all := make([]imageJSON, 0, len(images))
	for _, i := range images {
		root, role := i.Store()
		j := imageJSON{
			ID: i.ID(), Names: list(i.Names()), NamesHistory: i.NamesHistory(), Digest: i.Digest(), Digests: i.Digests(),
			Created: i.Created(), Size: imageSize(i), TopLayer: i.TopLayerID(), Store: root, ReadOnly: role == cstor.RoleAdditional,
			Containers: used[imageKey{i.User(), i.ID()}],
		}
		if verbose {
			_, j.MediaType, _ = i.Manifest()
			layers, _ := i.Layers()
			for _, l := range layers {
				j.Layers = append(j.Layers, l.ID())
			}
		}
		all = append(all, j)
	}
	return printJSON(a.stdout, all)
}

// user is a container that was made from an image.
type user struct {
	ID    string   `json:"id"`
	Names []string `json:"names"`
}

func (u user) String() string {
	if len(u.Names) > 0 {
		return u.Names[0]
	}
	return short(u.ID)
}

// imageKey is an image of one of the users of a mounted system.
type imageKey struct{ user, id string }

// usersOf are the containers made from images.
func usersOf(s *cstor.Storage) (map[imageKey][]user, error) {
	all := map[imageKey][]user{}
	for c, err := range s.Containers() {
		if err != nil {
			return all, err
		}
		if id := c.ImageID(); id != "" {
			key := imageKey{c.User(), id}
			all[key] = append(all[key], user{c.ID(), list(c.Names())})
		}
	}
	return all, nil
}

// list is never null in JSON.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

func imageSize(i *cstor.Image) int64 {
	n, err := i.Size()
	if err != nil {
		return -1
	}
	return n
}

// splitName cuts a stored name into repository and tag; a name by digest has none.
func splitName(name string) (repository, tag string) {
	if repository, _, ok := strings.Cut(name, "@"); ok {
		return repository, "<none>"
	}
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[:at], name[at+1:]
	}
	return name, "<none>"
}

// manifestName is a media type in one or two words.
func manifestName(mediaType string) string {
	switch mediaType {
	case v1.MediaTypeImageManifest:
		return "oci"
	case v1.MediaTypeImageIndex:
		return "oci index"
	case cstor.MediaTypeDockerManifest:
		return "docker"
	case cstor.MediaTypeDockerManifestList:
		return "docker list"
	case cstor.MediaTypeDockerSchema1, cstor.MediaTypeDockerSchema1Signed:
		return "docker v1"
	}
	return mediaType
}
