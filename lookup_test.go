package cstor_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// names is a store whose images are made to be mixed up.
const names = `
layer a
  file a 0644 "a"
layer b
  file b 0644 "b"
layer c
  file c 0644 "c"
layer d
  file d 0644 "d"
layer e
  file e 0644 "e"
image docker.io/library/alpine:latest,docker.io/library/alpine:3 layer=a
image localhost/mine:latest,quay.io/team/tool:v1 layer=b
image docker.io/library/mine:latest layer=c
image registry.example.com:5000/team/tool:v1,registry.example.com:5000/team/only:latest layer=d
image - as=dangling layer=e
`

func TestImageLookup(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, names, storetest.Options{})
	s := open(t, made)
	id := func(name string) string { return made.Image(name).ID }
	alpine, mine, hub, only, dangling := id("docker.io/library/alpine:latest"), id("localhost/mine:latest"),
		id("docker.io/library/mine:latest"), id("registry.example.com:5000/team/tool:v1"), id("dangling")
	digest := func(name string) string { return made.Image(name).Digest }
	for ref, want := range map[string]string{
		// an id, whole or with its algorithm; a digest
		alpine:             alpine,
		"sha256:" + alpine: alpine,
		dangling:           dangling,
		digest("docker.io/library/alpine:latest"): alpine,
		strings.Repeat("0", 64):                   "",
		"sha256:" + strings.Repeat("0", 64):       "",
		// names, exactly or with what is missing
		"docker.io/library/alpine:latest":        alpine,
		"docker.io/library/alpine:3":             alpine,
		"docker.io/library/alpine":               alpine,
		"docker.io/alpine":                       alpine,
		"library/alpine":                         alpine,
		"alpine":                                 alpine,
		"alpine:3":                               alpine,
		"alpine:4":                               "",
		"mine":                                   mine, // localhost before docker.io
		"docker.io/library/mine":                 hub,
		"library/mine":                           hub,
		"quay.io/team/tool:v1":                   mine,
		"registry.example.com:5000/team/tool:v1": only,
		"registry.example.com:5000/team/only":    only,
		// name and digest
		"alpine@" + digest("docker.io/library/alpine:latest"):                                     alpine,
		"docker.io/library/alpine:3@" + digest("docker.io/library/alpine:latest"):                 alpine,
		"docker.io/library/alpine:nothere@" + digest("docker.io/library/alpine:latest"):           alpine, // the tag does not count
		"quay.io/team/tool@" + digest("localhost/mine:latest"):                                    mine,
		"quay.io/team/other@" + digest("localhost/mine:latest"):                                   "",
		"alpine@sha256:" + strings.Repeat("0", 64):                                                "",
		"registry.example.com:5000/team/tool@" + digest("registry.example.com:5000/team/tool:v1"): only,
		// the beginning of an id, the end of a name
		alpine[:12]:              alpine,
		dangling[:20]:            dangling,
		"only":                   only,
		"team/only":              only,
		"eam/only":               "",
		"tool":                   "", // latest is missing
		"":                       "",
		"/":                      "",
		":":                      "",
		"@":                      "",
		"foo@sha256:12":          "",
		"containers-storage:Foo": "",
		"containers-storage:" + strings.Repeat("0", 64): "",
		"UPPER CASE": "",
		"a\x00b":     "",
		"../../etc":  "",
		// the transport's own rules
		"containers-storage:alpine":                                                             alpine,
		"containers-storage:docker.io/library/alpine:latest":                                    alpine,
		"containers-storage:" + alpine[:12]:                                                     alpine,
		"containers-storage:@" + alpine:                                                         alpine,
		"containers-storage:alpine@" + alpine[:12]:                                              alpine,
		"containers-storage:alpine@" + alpine[:2]:                                               "",
		"containers-storage:@" + alpine[:2]:                                                     "",
		"containers-storage:alpine@" + digest("docker.io/library/alpine:latest") + "@" + alpine: alpine,
		"containers-storage:mine":                                                               hub, // no localhost here
		"containers-storage:mine@" + alpine:                                                     "",
		"containers-storage:only":                                                               "",
		"containers-storage:alpine@" + digest("docker.io/library/alpine:latest"):                alpine,
		"containers-storage:[overlay@/elsewhere+/run]alpine":                                    "error",
		"containers-storage:":                                                                   "error",
	} {
		i, err := s.Image(ref)
		switch {
		case want == "error":
			if err == nil || errors.Is(err, cstor.ErrNotFound) {
				t.Errorf("%q: %v", ref, err)
			}
		case want == "":
			if !errors.Is(err, cstor.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %v, %v", ref, i, err)
			}
		case err != nil || i.ID() != want:
			t.Errorf("%q: %v, want %s, %v", ref, i, want, err)
		}
	}
}

func TestAmbiguous(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, names, storetest.Options{})
	s := open(t, made)
	var several *cstor.AmbiguousError
	_, err := s.Image("tool:v1")
	if !errors.As(err, &several) || !slices.Contains(several.Candidates, "localhost/mine:latest") || len(several.Candidates) != 2 {
		t.Errorf("suffix: %v", err)
	}
	// Of 20 ids some two begin alike.
	shared := func(ids []string) string {
		for n, id := range ids {
			for _, other := range ids[:n] {
				if other[0] == id[0] {
					return id[:1]
				}
			}
		}
		return ""
	}
	var spec strings.Builder
	for n := range 20 {
		c := string(rune('a' + n))
		spec.WriteString("layer " + c + "\n  file f 0644 \"" + c + "\"\nimage localhost/img" + c + ":1 layer=" + c + "\n")
	}
	made = storetest.New(t, spec.String(), storetest.Options{})
	s = open(t, made)
	var images, layers []string
	for _, i := range made.Images() {
		images = append(images, i.ID)
	}
	for _, l := range made.Layers() {
		layers = append(layers, l.ID)
	}
	if _, err := s.Image(shared(images)); !errors.As(err, &several) || len(several.Candidates) < 2 {
		t.Errorf("image prefix: %v", err)
	}
	// The transport takes what several ids begin with for a name.
	if _, err := s.Image("containers-storage:" + strings.Repeat("0", 3)); !errors.Is(err, cstor.ErrNotFound) {
		t.Errorf("transport: %v", err)
	}
	if _, err := s.Layer(shared(layers)); !errors.As(err, &several) || len(several.Candidates) < 2 {
		t.Errorf("layer prefix: %v", err)
	}
}

func TestLayerLookup(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	base := made.Layer("base")
	for _, ref := range []string{base.ID, base.ID[:10], base.Link} {
		if l, err := s.Layer(ref); err != nil || l.ID() != base.ID {
			t.Errorf("%q: %v %v", ref, l, err)
		}
	}
	for _, ref := range []string{"", "..", "0000000000", strings.Repeat("A", 26), "a/b"} {
		if l, err := s.Layer(ref); !errors.Is(err, cstor.ErrNotFound) {
			t.Errorf("%q: %v %v", ref, l, err)
		}
	}
}

func TestContainerLookup(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, storetest.Sample, storetest.Options{})
	s := open(t, made)
	work := made.Container("work")
	for _, ref := range []string{work.ID, "work", work.Layer.ID, work.ID[:5]} {
		c, err := s.Container(ref)
		if err != nil || c.ID() != work.ID {
			t.Errorf("%q: %v %v", ref, c, err)
			continue
		}
		layers, err := c.Layers()
		if err != nil || len(layers) != 4 || layers[0].ID() != made.Layer("base").ID || layers[3].ID() != work.Layer.ID {
			t.Errorf("layers %v %v", layers, err)
		}
	}
	if _, err := s.Container("nobody"); !errors.Is(err, cstor.ErrNotFound) {
		t.Error(err)
	}
}

func TestParseReference(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cstor.Reference{
		"alpine":                          {Name: "alpine"},
		"containers-storage:alpine":       {Transport: true, Name: "alpine"},
		"containers-storage:[/g]alpine:3": {Transport: true, GraphRoot: "/g", Name: "alpine:3"},
		"containers-storage:[vfs@/g+/r]x": {Transport: true, Driver: "vfs", GraphRoot: "/g", RunRoot: "/r", Name: "x"},
		"containers-storage:[+/r]x":       {Transport: true, RunRoot: "/r", Name: "x"},
		"containers-storage:[vfs@+/r]x":   {Transport: true, Driver: "vfs", RunRoot: "/r", Name: "x"},
		"containers-storage:[overlay@/g+/r:overlay.mount_program=/bin/f,overlay.mountopt=nodev]x@abc": {
			Transport: true, Driver: "overlay", GraphRoot: "/g", RunRoot: "/r", Name: "x@abc",
			Options: []string{"overlay.mount_program=/bin/f", "overlay.mountopt=nodev"},
		},
	} {
		got, err := cstor.ParseReference(text)
		if err != nil || got.Transport != want.Transport || got.Driver != want.Driver || got.GraphRoot != want.GraphRoot ||
			got.RunRoot != want.RunRoot || got.Name != want.Name || !slices.Equal(got.Options, want.Options) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"containers-storage:", "containers-storage:[", "containers-storage:[]x", "containers-storage:[/g]",
		"containers-storage:[relative]x", "containers-storage:[overlay@rel]x", "containers-storage:[overlay@/g+rel]x",
		"containers-storage:[@/g]x", "containers-storage:[vfs@]x", "containers-storage:[@]x",
	} {
		if r, err := cstor.ParseReference(text); err == nil {
			t.Errorf("%q: %+v", text, r)
		}
	}
}
