package cstor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// schema1 is docker's first manifest: no configuration, but a history, newest
// first, each entry a JSON text of what was once an image of its own
// (github.com/distribution/distribution docs/spec/manifest-v2-1.md).
type schema1 struct {
	Architecture string `json:"architecture"`
	History      []struct {
		V1Compatibility string `json:"v1Compatibility"`
	} `json:"history"`
}

// schema1Config makes a configuration as conversion to schema 2 would: the newest
// entry's fields, the diff ids of the stored layers, a history of all entries.
func (i *Image) schema1Config(raw []byte) (*v1.Image, error) {
	var m schema1
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if len(m.History) == 0 {
		return nil, errors.New("manifest: schema 1 without history")
	}
	img := new(v1.Image)
	if err := json.Unmarshal([]byte(m.History[0].V1Compatibility), img); err != nil {
		return nil, fmt.Errorf("manifest: history: %w", err)
	}
	if img.Architecture == "" {
		img.Architecture = m.Architecture
	}
	img.History = nil // not of the form, should the entry have one
	for _, h := range slices.Backward(m.History) {
		var old struct {
			v1.History
			Config struct {
				Cmd []string `json:"Cmd"`
			} `json:"container_config"`
			Throwaway bool `json:"throwaway"`
		}
		if err := json.Unmarshal([]byte(h.V1Compatibility), &old); err != nil {
			return nil, fmt.Errorf("manifest: history: %w", err)
		}
		old.EmptyLayer = old.EmptyLayer || old.Throwaway
		old.CreatedBy += strings.Join(old.Config.Cmd, " ")
		img.History = append(img.History, old.History)
	}
	layers, err := i.Layers()
	if err != nil {
		return nil, err
	}
	img.RootFS = v1.RootFS{Type: "layers"}
	for _, l := range layers {
		img.RootFS.DiffIDs = append(img.RootFS.DiffIDs, l.DiffID())
	}
	return img, nil
}

// schema1Payload returns the bytes that a signed schema 1 manifest's digest is
// over: what each signature protects, the first formatLength bytes and a tail
// (github.com/docker/libtrust jsonsign.go:ParsePrettySignature).
func schema1Payload(raw []byte) ([]byte, error) {
	var m struct {
		Signatures []struct {
			Protected string `json:"protected"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if len(m.Signatures) == 0 {
		return nil, errors.New("manifest: schema 1 without signatures")
	}
	var p struct {
		Length int    `json:"formatLength"`
		Tail   string `json:"formatTail"`
	}
	text, err := base64.RawURLEncoding.DecodeString(m.Signatures[0].Protected)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: signature: %w", err)
	}
	tail, err := base64.RawURLEncoding.DecodeString(p.Tail)
	if err != nil {
		return nil, fmt.Errorf("manifest: signature: %w", err)
	}
	if p.Length < 0 || p.Length > len(raw) {
		return nil, fmt.Errorf("manifest: signature: length %d", p.Length)
	}
	return append(slices.Clone(raw[:p.Length]), tail...), nil
}
