package cstor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// noPlatform stands for the platform of a descriptor that has none.
const noPlatform = "-"

// instanceStore makes a store with an image that is a list, "localhost/list:1",
// whose instances are the given ones, each OS/ARCH[/VARIANT] and perhaps " zstd" or
// " gone", which no image has. It returns the ids of the instances in their order.
func instanceStore(t *testing.T, mediaType string, instances ...string) (list *cstor.Image, ids []string) {
	t.Helper()
	var spec strings.Builder
	for n := range instances {
		fmt.Fprintf(&spec, "image - as=i%d platform=linux/n%d\n", n, n)
	}
	spec.WriteString("index localhost/list:1 instances=i0\n")
	made := storetest.New(t, spec.String(), storetest.Options{})
	made.Apply(t, func(s *storetest.Store) error {
		x := v1.Index{MediaType: mediaType}
		x.SchemaVersion = 2
		for n, text := range instances {
			words := strings.Fields(text)
			d := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.Digest(s.Image(fmt.Sprintf("i%d", n)).Digest)}
			if words[0] != noPlatform {
				p := strings.Split(words[0]+"/", "/")
				d.Platform = &v1.Platform{OS: p[0], Architecture: p[1], Variant: p[2]}
			}
			for _, word := range words[1:] {
				switch word {
				case "zstd":
					d.Annotations = map[string]string{"io.github.containers.compression.zstd": "true"}
				case "gone":
					d.Digest = digest.FromString(text)
				}
			}
			x.Manifests = append(x.Manifests, d)
		}
		raw, err := json.Marshal(x)
		if err != nil {
			return err
		}
		if err := storetest.SetBigData("localhost/list:1", "manifest", string(raw))(s); err != nil {
			return err
		}
		return storetest.EditImage("localhost/list:1", func(r map[string]any) { delete(r, "big-data-digests") })(s)
	})
	for n := range instances {
		ids = append(ids, made.Image(fmt.Sprintf("i%d", n)).ID)
	}
	return image(t, open(t, made), "localhost/list:1"), ids
}

// TestInstanceChoice: which instance of a list is taken, by its place; -1 for none.
func TestInstanceChoice(t *testing.T) {
	t.Parallel()
	host := cstor.FormatPlatform(v1.Platform{OS: cstor.HostPlatform().OS, Architecture: cstor.HostPlatform().Architecture})
	micro := []string{"linux/amd64/v3", "linux/amd64", "linux/arm64"}
	arms := []string{"linux/arm/v5", "linux/arm/v7", "linux/arm64/v8"}
	for name, test := range map[string]struct {
		docker bool
		list   []string
		ask    string
		want   int
	}{
		"plain before a variant":          {list: micro, ask: "linux/amd64", want: 1},
		"alias":                           {list: micro, ask: "linux/x86_64", want: 1},
		"the variant asked for":           {list: micro, ask: "linux/amd64/v3", want: 0},
		"plain for lack of the variant":   {list: micro, ask: "linux/amd64/v2", want: 1},
		"plain arm64 is v8":               {list: micro, ask: "linux/arm64/v8", want: 2},
		"aarch64":                         {list: micro, ask: "linux/aarch64", want: 2},
		"no such":                         {list: micro, ask: "linux/s390x", want: -1},
		"the host's":                      {list: []string{host + "/v3", host, "plan9/mips"}, want: 1},
		"not the host's":                  {list: []string{"plan9/mips"}, want: -1},
		"arm v8 takes v7":                 {list: arms, ask: "linux/arm/v8", want: 1},
		"arm v6 takes v5":                 {list: arms, ask: "linux/arm/v6", want: 0},
		"arm64 takes v8":                  {list: arms, ask: "linux/arm64", want: 2},
		"arm64 v9 takes no v8":            {list: arms, ask: "linux/arm64/v9", want: -1},
		"zstd first":                      {list: []string{"linux/amd64", "linux/amd64 zstd"}, ask: "linux/amd64", want: 1},
		"zstd does not beat the platform": {list: []string{"linux/amd64", "linux/amd64/v2 zstd"}, ask: "linux/amd64", want: 0},
		"gzip if zstd is not here":        {list: []string{"linux/amd64", "linux/amd64 zstd gone"}, ask: "linux/amd64", want: 0},
		"no other platform if not here":   {list: []string{"linux/amd64", "linux/amd64/v2 gone"}, ask: "linux/amd64/v2", want: -1},
		"no platform last":                {list: []string{"-", "linux/amd64"}, ask: "linux/amd64", want: 1},
		"no platform at all":              {list: []string{"linux/arm64", "-", "- zstd"}, ask: "linux/amd64", want: 2},
		"docker: no zstd":                 {docker: true, list: []string{"linux/amd64", "linux/amd64 zstd"}, ask: "linux/amd64", want: 0},
		"docker: no platform":             {docker: true, list: []string{"-"}, ask: "linux/amd64", want: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mediaType := v1.MediaTypeImageIndex
			if test.docker {
				mediaType = cstor.MediaTypeDockerManifestList
			}
			list, ids := instanceStore(t, mediaType, test.list...)
			var p v1.Platform
			if test.ask != "" {
				var err error
				p, err = cstor.ParsePlatform(test.ask)
				check(t, err)
			}
			i, err := list.Instance(p)
			switch {
			case test.want < 0:
				if !errors.Is(err, cstor.ErrNotFound) {
					t.Errorf("%v, %v", i, err)
				}
			case err != nil:
				t.Error(err)
			case i.ID() != ids[test.want]:
				t.Errorf("instance %s of %s", i.ID(), ids)
			}
		})
	}
}

// TestManifestType: what a manifest is, by its content.
func TestManifestType(t *testing.T) {
	t.Parallel()
	const item = `{"mediaType":"x","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}`
	for name, test := range map[string]struct{ raw, want string }{
		"says so":               {`{"schemaVersion":2,"mediaType":"` + v1.MediaTypeImageIndex + `"}`, v1.MediaTypeImageIndex},
		"says so, any version":  {`{"mediaType":"` + cstor.MediaTypeDockerManifest + `"}`, cstor.MediaTypeDockerManifest},
		"layers only":           {`{"schemaVersion":2,"layers":[]}`, v1.MediaTypeImageManifest},
		"nothing":               {`{"schemaVersion":2}`, v1.MediaTypeImageManifest},
		"config null":           {`{"schemaVersion":2,"config":null}`, v1.MediaTypeImageManifest},
		"OCI config":            {`{"schemaVersion":2,"config":{"mediaType":"` + v1.MediaTypeImageConfig + `"},"manifests":[` + item + `]}`, v1.MediaTypeImageManifest},
		"docker config":         {`{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json"}}`, cstor.MediaTypeDockerManifest},
		"artifact":              {`{"schemaVersion":2,"config":{"mediaType":"application/x"},"layers":[` + item + `]}`, v1.MediaTypeImageManifest},
		"index":                 {`{"schemaVersion":2,"manifests":[` + item + `]}`, v1.MediaTypeImageIndex},
		"index, unknown type":   {`{"schemaVersion":2,"mediaType":"x","manifests":[` + item + `]}`, v1.MediaTypeImageIndex},
		"empty index":           {`{"schemaVersion":2,"manifests":[]}`, v1.MediaTypeImageManifest},
		"both":                  {`{"schemaVersion":2,"config":{"mediaType":"application/x"},"manifests":[` + item + `]}`, ""},
		"schema 1":              {`{"schemaVersion":1}`, cstor.MediaTypeDockerSchema1},
		"schema 1, null":        {`{"schemaVersion":1,"signatures":null}`, cstor.MediaTypeDockerSchema1},
		"schema 1, signed":      {`{"schemaVersion":1,"signatures":[{}]}`, cstor.MediaTypeDockerSchema1Signed},
		"schema 1, odd config":  {`{"schemaVersion":1,"config":"x"}`, cstor.MediaTypeDockerSchema1},
		"schema 3":              {`{"schemaVersion":3,"layers":[]}`, ""},
		"no version":            {`{"layers":[]}`, ""},
		"config of wrong type":  {`{"schemaVersion":2,"config":"x"}`, ""},
		"version of wrong type": {`{"schemaVersion":"2"}`, ""},
		"list":                  {`[]`, ""},
		"nothing at all":        {``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, err := manifestOnly(t, test.raw).Manifest()
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%q, want %q, %v", got, test.want, err)
			}
		})
	}
}

// manifestOnly is an image that has nothing but a manifest.
func manifestOnly(t *testing.T, manifest string) *cstor.Image {
	t.Helper()
	made := storetest.New(t, "image localhost/m:1\n", storetest.Options{})
	made.Apply(t,
		storetest.SetBigData("localhost/m:1", "manifest", manifest),
		storetest.EditImage("localhost/m:1", func(r map[string]any) {
			r["big-data-names"] = []any{"manifest"}
			delete(r, "big-data-digests")
		}))
	return image(t, open(t, made), "localhost/m:1")
}

// TestInlineConfig: a configuration that is in the manifest and nowhere else.
func TestInlineConfig(t *testing.T) {
	t.Parallel()
	const empty = "application/vnd.oci.empty.v1+json"
	manifest := func(content, data string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":2%s},"layers":[]}`,
			v1.MediaTypeImageManifest, empty, digest.FromString(content), data)
	}
	_, raw, err := manifestOnly(t, manifest("{}", `,"data":"e30="`)).Config()
	if err != nil || string(raw) != "{}" {
		t.Errorf("%q, %v", raw, err)
	}
	_, raw, err = manifestOnly(t, manifest("{}", "")).Config()
	if !errors.Is(err, cstor.ErrIncomplete) || raw != nil {
		t.Errorf("without data: %q, %v", raw, err)
	}
	_, raw, err = manifestOnly(t, manifest("{ }", `,"data":"e30="`)).Config()
	if !errors.As(err, new(*cstor.MismatchError)) || raw != nil {
		t.Errorf("other data: %q, %v", raw, err)
	}
}

// TestManifestLimit: manifests and configurations that are larger than any registry
// takes are refused before they are parsed.
func TestManifestLimit(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}`
	full := manifest + strings.Repeat(" ", limit-len(manifest))
	if raw, _, err := manifestOnly(t, full).Manifest(); err != nil || len(raw) != limit {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if raw, _, err := manifestOnly(t, full+" ").Manifest(); !errors.Is(err, beneath.ErrTooLarge) || raw != nil {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	made := storetest.New(t, "layer a\n  file a 0644 \"a\"\nimage localhost/m:1 layer=a\n", storetest.Options{})
	name := digest.FromString("{}" + strings.Repeat(" ", limit))
	made.Apply(t,
		storetest.SetBigData("localhost/m:1", name.String(), "{}"+strings.Repeat(" ", limit)),
		storetest.SetBigData("localhost/m:1", "manifest", fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":%q}}`, name)),
		storetest.EditImage("localhost/m:1", func(r map[string]any) {
			r["big-data-names"] = []any{"manifest", name.String()}
			delete(r, "big-data-digests")
		}))
	if _, raw, err := image(t, open(t, made), "localhost/m:1").Config(); !errors.Is(err, beneath.ErrTooLarge) || raw != nil {
		t.Errorf("config of %d bytes, %v", len(raw), err)
	}
}
