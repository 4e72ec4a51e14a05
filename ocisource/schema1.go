package ocisource

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// ofHistory are fields of a schema 1 entry that an image's configuration does not have
// (container-libs image/manifest/docker_schema1.go:ToSchema2Config).
var ofHistory = []string{"id", "parent", "Size", "parent_id", "layer_id", "throwaway"}

// schema1Config makes a configuration for an image that has none, its manifest being of
// docker's schema 1: the fields of the newest entry of the history, and diff ids and
// history as they have been read.
func schema1Config(parsed *v1.Image, manifest []byte) ([]byte, error) {
	var m struct {
		History []struct {
			V1Compatibility string `json:"v1Compatibility"`
		} `json:"history"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if len(m.History) == 0 {
		return nil, errors.New("manifest: schema 1 without history")
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(m.History[0].V1Compatibility), &fields); err != nil {
		return nil, fmt.Errorf("manifest: history: %w", err)
	}
	for _, name := range ofHistory {
		delete(fields, name)
	}
	for name, value := range map[string]any{"rootfs": parsed.RootFS, "history": parsed.History, "architecture": parsed.Architecture} {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fields[name] = raw
	}
	return json.Marshal(fields) // sorted by name
}
