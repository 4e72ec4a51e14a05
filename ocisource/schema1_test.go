package ocisource_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocisource"
)

// TestSchema1: an image that has no configuration gets one, with what its history says.
func TestSchema1(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	raw := `{"schemaVersion":1,"name":"i","tag":"1","architecture":"arm64","fsLayers":[{},{}],"history":[
		{"v1Compatibility":"{\"id\":\"b\",\"parent\":\"a\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"],\"Healthcheck\":{\"Test\":[\"true\"]}},\"container_config\":{\"Cmd\":[\"CMD\"]}}"},
		{"v1Compatibility":"{\"id\":\"a\",\"container_config\":{\"Cmd\":[\"ADD\"]}}"}]}`
	made.Apply(t, setManifest("i", raw)...)
	for _, format := range []ocisource.Format{ocisource.OCI, ocisource.Docker} {
		m, get := copied(t, source(t, image(t, made, "i"), ocisource.Options{Format: format}))
		var got map[string]any
		check(t, json.Unmarshal(get(m.Config), &got))
		want := map[string]any{
			"architecture": "arm64", "os": "linux",
			"config":           map[string]any{"Cmd": []any{"sh"}, "Healthcheck": map[string]any{"Test": []any{"true"}}},
			"container_config": map[string]any{"Cmd": []any{"CMD"}},
			"rootfs":           map[string]any{"type": "layers", "diff_ids": []any{made.Layer("l").DiffID, made.Layer("m").DiffID}},
			"history":          []any{map[string]any{"created_by": "ADD"}, map[string]any{"created_by": "CMD"}},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if len(m.Layers) != 2 || m.Layers[0].Digest.String() != made.Layer("l").DiffID {
			t.Errorf("layers %v", m.Layers)
		}
	}
}

// TestAnnotations: those of the image and of its layers stay, but for what was true of the
// blobs that were pulled; docker's format has none.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, small, storetest.Options{})
	var m map[string]any
	check(t, json.Unmarshal(made.Image("i").Manifest, &m))
	m["annotations"] = map[string]any{"org.opencontainers.image.ref.name": "old", "org.opencontainers.image.title": "t"}
	m["subject"] = map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": storetest.Digest(nil), "size": 0}
	m["artifactType"] = "application/x"
	m["layers"].([]any)[1].(map[string]any)["annotations"] = map[string]any{
		"containerd.io/snapshot/stargz/toc.digest":            storetest.Digest(nil),
		"io.containers.estargz.uncompressed-size":             "5",
		"io.github.containers.zstd-chunked.manifest-checksum": storetest.Digest(nil),
		"org.opencontainers.image.enc.pubopts":                "x",
		"my.own":                                              "kept",
	}
	raw, err := json.Marshal(m)
	check(t, err)
	made.Apply(t, setManifest("i", string(raw))...)
	i := image(t, made, "i")
	got, _ := copied(t, source(t, i, ocisource.Options{Compression: ocisource.Zstd}))
	if d := cmp.Diff(map[string]string{"org.opencontainers.image.title": "t"}, got.Annotations); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"my.own": "kept"}, got.Layers[1].Annotations); d != "" || got.Layers[0].Annotations != nil {
		t.Error(d, got.Layers[0].Annotations)
	}
	if got.Subject != nil || got.ArtifactType != "application/x" {
		t.Errorf("subject %v, type %q", got.Subject, got.ArtifactType)
	}
	got, _ = copied(t, source(t, i, ocisource.Options{Format: ocisource.Docker}))
	if got.Annotations != nil || got.Layers[1].Annotations != nil || got.ArtifactType != "" {
		t.Errorf("%+v", got)
	}
}
