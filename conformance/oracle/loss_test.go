package oracle

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	vtar "github.com/vbatts/tar-split/archive/tar"
)

// losses are what a recipe cannot give back of a tar that tar-split accepts.
type losses struct {
	// sparse: an entry is a sparse file, of which the recipe has the length with its
	// holes and the store the content with its holes
	// (archive/tar/reader.go:handleSparseFile): tar-split rebuilds a longer tar.
	sparse bool
	// unmapped: the map of such a file stood in front of its data, and is nowhere.
	unmapped bool
	// tail bytes are missing at the end: the tar breaks off in the padding behind
	// a content, and tar-split drops the part of it that is there
	// (archive/tar/reader.go:next, which returns before it writes rawBytes).
	tail int
}

// loss asks tar-split's own reader what it makes of a tar.
func loss(tar []byte) (l losses, err error) {
	in := vtar.NewReader(struct{ io.Reader }{bytes.NewReader(tar)})
	for {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			if pad := int(in.ExpectedPadding()); pad > 0 {
				l.tail = (len(tar) + pad) % 512 // where it starts, pad bytes are missing of a block
			}
			return l, nil
		case err != nil:
			return l, err
		}
		for key := range h.PAXRecords {
			l.sparse = l.sparse || strings.HasPrefix(key, "GNU.sparse.")
		}
		l.sparse = l.sparse || h.Typeflag == vtar.TypeGNUSparse
		major, minor := h.PAXRecords["GNU.sparse.major"], h.PAXRecords["GNU.sparse.minor"]
		l.unmapped = l.unmapped || major == "1" && minor == "0" && h.Typeflag != vtar.TypeGNUSparse
	}
}

func TestLoss(t *testing.T) {
	t.Parallel()
	whole := written(t, formats[0])
	for name, test := range map[string]struct {
		tar  []byte
		want losses
	}{
		"none":             {whole, losses{}},
		"no end":           {whole[:1024], losses{}},
		"broken padding":   {whole[:512+7+100], losses{tail: 100}},
		"one byte of it":   {whole[:512+7+1], losses{tail: 1}},
		"no padding":       {whole[:512+7], losses{}},
		"sparse 0.0":       {gnu(t, "sparse-0.0"), losses{sparse: true}},
		"sparse 0.1":       {gnu(t, "sparse-0.1"), losses{sparse: true}},
		"sparse 1.0":       {gnu(t, "sparse-1.0"), losses{sparse: true, unmapped: true}},
		"sparse, old form": {gnu(t, "sparse-gnu"), losses{sparse: true}},
		"negative size":    {entry("link", '1', -1), losses{}},
	} {
		if got, err := loss(test.tar); got != test.want || err != nil {
			t.Errorf("%s: %+v, want %+v, %v", name, got, test.want, err)
		}
	}
}
