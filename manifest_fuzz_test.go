package cstor

import (
	"bytes"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// guessType is the reference's own way to tell manifests apart; empty for what is none
// (container-libs image/internal/manifest/manifest.go:GuessMIMEType).
func guessType(raw []byte) string {
	var m struct {
		MediaType     string `json:"mediaType"`
		SchemaVersion int    `json:"schemaVersion"`
		Signatures    any    `json:"signatures"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	if slices.Contains([]string{MediaTypeDockerManifest, MediaTypeDockerManifestList, v1.MediaTypeImageManifest, v1.MediaTypeImageIndex}, m.MediaType) {
		return m.MediaType
	}
	var second struct {
		Config struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
		Manifests []v1.Descriptor `json:"manifests"`
	}
	switch {
	case m.SchemaVersion == 1 && m.Signatures != nil:
		return MediaTypeDockerSchema1Signed
	case m.SchemaVersion == 1:
		return MediaTypeDockerSchema1
	case m.SchemaVersion != 2 || json.Unmarshal(raw, &second) != nil:
		return ""
	}
	if known, ok := map[string]string{
		v1.MediaTypeImageConfig: v1.MediaTypeImageManifest, "application/vnd.docker.container.image.v1+json": MediaTypeDockerManifest,
	}[second.Config.MediaType]; ok {
		return known
	}
	if len(second.Manifests) == 0 {
		return v1.MediaTypeImageManifest
	}
	if second.Config.MediaType == "" {
		return v1.MediaTypeImageIndex
	}
	return second.Config.MediaType // of a configuration, which is none of a manifest
}

var manifests = []string{
	`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",` +
		`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30=","annotations":{"a":"b"}},"layers":[]}`,
	`{"schemaVersion":2,"config":{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","data":"e30="}}`,
	`{"schemaVersion":2,"config":{"digest":"sha512:0","platform":{"os":"linux"},"urls":["u"]}}`, `{"schemaVersion":2,"config":{"digest":"md5:d41d8cd98f00b204e9800998ecf8427e"}}`,
	`{"schemaVersion":2,"config":{"mediaType":"application/vnd.docker.container.image.v1+json"}}`, `{"schemaVersion":2,"config":null,"manifests":null}`,
	`{"schemaVersion":2,"manifests":[{}]}`, `{"schemaVersion":2,"manifests":[1]}`, `{"schemaVersion":2,"manifests":[{}],"config":{"mediaType":"application/x"}}`,
	`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json"}`, `{"SCHEMAVERSION":2,"MediaType":"x"}`,
	`{"schemaVersion":1}`, `{"schemaVersion":1,"signatures":null}`, `{"schemaVersion":1,"signatures":[]}`, `{"schemaVersion":3}`, `{"schemaVersion":2.0}`, `{"schemaVersion":"2"}`, `[]`, `null`, ``, `{} {}`,
}

// FuzzManifest: a manifest is what the reference takes it for, however it is set; its
// configuration's descriptor, written anew, is the same; a configuration inside of it
// has the digest that it says.
func FuzzManifest(f *testing.F) {
	for _, raw := range manifests {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got string
		var err error
		if used := allocated(func() { got, err = manifestType(raw) }); used > 200*uint64(len(raw))+1<<16 {
			t.Errorf("%d bytes for a manifest of %d", used, len(raw))
		}
		ours := []string{
			v1.MediaTypeImageManifest, v1.MediaTypeImageIndex, MediaTypeDockerManifest, MediaTypeDockerManifestList, MediaTypeDockerSchema1, MediaTypeDockerSchema1Signed,
		}
		// The reference also looks at what a list holds, which comes later here.
		if want := guessType(raw); slices.Contains(ours, want) && got != want || want != "" && err == nil && got != want {
			t.Errorf("%q: %q, %v; the reference says %q", raw, got, err, want)
		}
		if err == nil != slices.Contains(ours, got) {
			t.Errorf("%q: %q, %v", raw, got, err)
		}
		var compact bytes.Buffer
		if json.Compact(&compact, raw) == nil {
			if again, _ := manifestType(compact.Bytes()); again != got {
				t.Errorf("%q: %q, without spaces %q", raw, got, again)
			}
		}
		desc, err := configDescriptor(raw)
		if err != nil {
			return
		}
		if algorithm, hex, ok := strings.Cut(string(desc.Digest), ":"); !ok || map[string]int{"sha256": 64, "sha384": 96, "sha512": 128}[algorithm] != len(hex) || strings.Trim(hex, "0123456789abcdef") != "" {
			t.Errorf("%q: config digest %q", raw, desc.Digest)
		}
		text, err := json.Marshal(map[string]any{"config": desc})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := configDescriptor(text); err != nil || !cmp.Equal(desc, again, cmpopts.EquateEmpty()) {
			t.Errorf("%+v, written and read again %+v, %v", desc, again, err)
		}
		i := &Image{rec: new(ondisk.Image)} // which keeps no items
		config, err := i.rawConfig(raw)
		if err == nil && (digest.NewDigestFromBytes(desc.Digest.Algorithm(), sumOf(desc.Digest, config)) != desc.Digest || !bytes.Equal(config, desc.Data)) {
			t.Errorf("%q: config %q", raw, config)
		}
	})
}

// sumOf hashes with the algorithm of a digest.
func sumOf(d digest.Digest, b []byte) []byte {
	h := d.Algorithm().Hash()
	h.Write(b)
	return h.Sum(nil)
}

// FuzzInstances: the instances that are chosen from a list are those for the first
// wanted platform that it has, all of them, zstd first in OCI's; those without a
// platform come last.
func FuzzInstances(f *testing.F) {
	const a, b = `"digest":"a"`, `"annotations":{"io.github.containers.compression.zstd":"true"},"digest":"b"`
	amd, v3 := `,"platform":{"os":"linux","architecture":"amd64"}`, `,"platform":{"os":"linux","architecture":"amd64","variant":"v3"}`
	for _, list := range []string{
		`{}`, `[]`, `{"manifests":null}`, `{"manifests":[{}]}`, `{"manifests":[{` + a + amd + `},{` + b + amd + `},{` + a + v3 + `}]}`,
		`{"manifests":[{` + a + `},{` + b + `},{` + b + v3 + `},{` + a + v3 + `}]}`, `{"manifests":[{` + b + `,"platform":{"os":"linux","architecture":"arm","variant":"v6"}},{` + a + `}]}`,
		`{"manifests":[{` + a + `,"annotations":{"io.github.containers.compression.zstd":"yes"},"platform":{}},{` + b + `,"platform":null}]}`,
		`{"manifests":[{` + a + `,"platform":{"os":"li\u001b[2J\n\ud800` + strings.Repeat("x", 200) + `","architecture":"\u0085\""}}]}`,
	} {
		for _, p := range []string{"amd64", "arm"} {
			f.Add([]byte(list), "linux", p, "")
			f.Add([]byte(list), "linux", p, "v7")
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, os, arch, variant string) {
		var list v1.Index
		if json.Unmarshal(raw, &list) != nil {
			return
		}
		wanted := wantedPlatforms(v1.Platform{OS: os, Architecture: arch, Variant: variant})
		for _, oci := range []bool{true, false} {
			var want []v1.Descriptor
			for n := 0; n <= len(wanted) && len(want) == 0; n++ {
				for _, zstd := range []bool{true, false} {
					for _, d := range list.Manifests {
						fits := n == len(wanted) && d.Platform == nil && oci ||
							n < len(wanted) && d.Platform != nil && d.Platform.OS == wanted[n].OS && d.Platform.Architecture == wanted[n].Architecture && d.Platform.Variant == wanted[n].Variant
						isZstd := oci && d.Annotations["io.github.containers.compression.zstd"] == "true"
						if fits && isZstd == zstd {
							want = append(want, d)
						}
					}
				}
			}
			if got := instances(list.Manifests, wanted, oci); !cmp.Equal(got, want) {
				t.Errorf("%s for %v, OCI %v: %+v, want %+v", raw, wanted, oci, got, want)
			}
		}
		// In the text of an error: one line of limited length, whatever a list says.
		if text := platformsOf(list.Manifests); text == "" || len(text) > 1<<15 || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
			t.Errorf("platforms %.300q", text)
		}
	})
}

// allocated is how many bytes do takes from the heap, whether or not it keeps them.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
