package main

import (
	"encoding/json"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
)

// instances lists what a list of manifests names, and which of it is stored.
func instances(s *cstor.Storage, raw []byte) []instance {
	var list v1.Index
	if json.Unmarshal(raw, &list) != nil {
		return nil // Manifest has parsed it already
	}
	var all []instance
	for _, m := range list.Manifests {
		one := instance{Digest: m.Digest}
		if m.Platform != nil {
			one.Platform = cstor.FormatPlatform(*m.Platform)
		}
		if i, err := s.Image(m.Digest.String()); err == nil {
			one.ID = i.ID()
		}
		all = append(all, one)
	}
	return all
}
