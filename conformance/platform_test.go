package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/types"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
)

// platformLists are lists of manifests: of each instance the platform, "-" for none,
// and perhaps that it is compressed by zstd.
var platformLists = map[string][]string{
	"micro":        {"linux/amd64/v3", "linux/amd64", "linux/arm64"},
	"variant-last": {"linux/amd64", "linux/amd64/v2", "linux/amd64/v3"},
	"only-v3":      {"linux/amd64/v3"},
	"official":     {"linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "linux/386", "linux/ppc64le", "linux/riscv64", "linux/s390x"},
	"arm-plain":    {"linux/arm", "linux/arm/v5", "linux/arm/v8", "linux/arm64"},
	"arm-upwards":  {"linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8"},
	"arm-odd":      {"linux/arm/v4", "linux/arm64/v9", "linux/arm64/v8"},
	"zstd-last":    {"linux/amd64", "linux/arm64", "linux/amd64 zstd", "linux/arm64 zstd"},
	"zstd-first":   {"linux/amd64 zstd", "linux/amd64", "linux/arm64/v8 zstd", "linux/arm64"},
	"twice":        {"linux/amd64", "linux/amd64", "windows/amd64", "windows/amd64"},
	"attested":     {"linux/amd64", "unknown/unknown", "linux/arm64", "unknown/unknown"},
	"platformless": {"-", "linux/amd64/v3", "- zstd", "linux/arm64"},
	"no-platforms": {"-", "-"},
	"raw-names":    {"linux/x86_64", "linux/aarch64"},
	"none":         nil,
}

// platformsAsked are put to every list; "" leaves a part to the host.
var platformsAsked = []v1.Platform{
	{},
	{OS: "linux"},
	{Architecture: "arm64"},
	{Variant: "v3"},
	{OS: "linux", Architecture: "amd64"},
	{OS: "linux", Architecture: "amd64", Variant: "v1"},
	{OS: "linux", Architecture: "amd64", Variant: "v2"},
	{OS: "linux", Architecture: "amd64", Variant: "v3"},
	{OS: "linux", Architecture: "amd64", Variant: "v4"},
	{OS: "linux", Architecture: "386"},
	{OS: "linux", Architecture: "arm"},
	{OS: "linux", Architecture: "arm", Variant: "v4"},
	{OS: "linux", Architecture: "arm", Variant: "v5"},
	{OS: "linux", Architecture: "arm", Variant: "v6"},
	{OS: "linux", Architecture: "arm", Variant: "v7"},
	{OS: "linux", Architecture: "arm", Variant: "v8"},
	{OS: "linux", Architecture: "arm64"},
	{OS: "linux", Architecture: "arm64", Variant: "v8"},
	{OS: "linux", Architecture: "arm64", Variant: "v9"},
	{OS: "linux", Architecture: "aarch64"},
	{OS: "linux", Architecture: "x86_64"},
	{OS: "linux", Architecture: "s390x"},
	{OS: "windows", Architecture: "amd64"},
	{OS: "windows"},
	{OS: "unknown", Architecture: "unknown"},
	{OS: "plan9", Architecture: "mips"},
}

// TestPlatforms: of every list, as an index and as a docker list, the instance that the reference chooses, for every
// platform. Names of platforms are not normalized here: in podman that is done before.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	var most int
	for _, instances := range platformLists {
		most = max(most, len(instances))
	}
	var spec strings.Builder
	for n := range most {
		fmt.Fprintf(&spec, "image - as=i%d platform=linux/n%d\n", n, n)
	}
	names := map[string]string{} // of the list in the store
	for list := range platformLists {
		for _, kind := range []string{"oci", "docker"} {
			name := "localhost/" + kind + "-" + list + ":1"
			names[kind+"/"+list] = name
			fmt.Fprintf(&spec, "index %s instances=i0\n", name)
		}
	}
	made := storetest.New(t, spec.String(), storetest.Options{})
	digests := make([]digest.Digest, most)
	ids := map[string]digest.Digest{}
	for n := range digests {
		i := made.Image(fmt.Sprintf("i%d", n))
		digests[n] = digest.Digest(i.Digest)
		ids[i.ID] = digests[n]
	}
	blobs := map[string][]byte{}
	for list, instances := range platformLists {
		for kind, mediaType := range map[string]string{"oci": v1.MediaTypeImageIndex, "docker": manifest.DockerV2ListMediaType} {
			key := kind + "/" + list
			blobs[key] = listOf(t, mediaType, instances, digests)
			made.Apply(t,
				storetest.SetBigData(names[key], "manifest", string(blobs[key])),
				storetest.EditImage(names[key], func(r map[string]any) { delete(r, "big-data-digests") }))
		}
	}
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	asked := 0
	for key, blob := range blobs {
		list, err := s.Image(names[key])
		if err != nil {
			t.Fatal(err)
		}
		reference, err := manifest.ListFromBlob(blob, manifest.GuessMIMEType(blob))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range platformsAsked {
			want, err := reference.ChooseInstance(&types.SystemContext{OSChoice: p.OS, ArchitectureChoice: p.Architecture, VariantChoice: p.Variant})
			if err != nil {
				want = ""
			}
			var got digest.Digest
			i, err := list.Instance(p)
			switch {
			case err == nil:
				got = ids[i.ID()]
			case !errors.Is(err, cstor.ErrNotFound):
				t.Errorf("%s, %+v: %v", key, p, err)
			}
			if got != want {
				t.Errorf("%s, %s: instance %d, the reference chooses %d", key, cstor.FormatPlatform(p), slices.Index(digests, got), slices.Index(digests, want))
			}
			asked++
		}
	}
	t.Logf("%d choices compared", asked)
}

// listOf makes the list, whose instances have the digests in that order.
func listOf(t *testing.T, mediaType string, instances []string, digests []digest.Digest) []byte {
	t.Helper()
	x := v1.Index{MediaType: mediaType, Manifests: []v1.Descriptor{}}
	x.SchemaVersion = 2
	for n, text := range instances {
		name, zstd, _ := strings.Cut(text, " ")
		d := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digests[n], Size: 2}
		if zstd != "" {
			d.Annotations = map[string]string{"io.github.containers.compression.zstd": "true"}
		}
		if name != "-" {
			p := strings.Split(name+"/", "/")
			d.Platform = &v1.Platform{OS: p[0], Architecture: p[1], Variant: p[2]}
		}
		x.Manifests = append(x.Manifests, d)
	}
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
