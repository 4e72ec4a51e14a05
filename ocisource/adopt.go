package ocisource

import (
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
)

// Adopt tells a layer the descriptor that [Layer.Write] or [Layer.Prepare] has found for
// the same diff id in another source with the same options, so that images which share a
// layer have it compressed once. Of a layer that is known, the descriptor must be the same.
func (l *Layer) Adopt(d v1.Descriptor) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.desc.Digest == "":
		l.desc = v1.Descriptor{MediaType: l.src.opts.layerType(), Digest: d.Digest, Size: d.Size}
	case l.desc.Digest != d.Digest || l.desc.Size != d.Size:
		return l.fail(&cstor.MismatchError{
			What: "blob", Want: fmt.Sprintf("%s, %d bytes", l.desc.Digest, l.desc.Size), Got: fmt.Sprintf("%s, %d bytes", d.Digest, d.Size),
		})
	}
	return nil
}
