package tarsplit

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/cstor-go/cstor/internal/jsonscan"
)

// decode appends base64 to into. Base64 needs no escapes, so that what stands between
// two quotes is decoded as it is, which is half of the work that a recipe makes; what
// then does not fit is read as any string.
func decode(c *jsonscan.Cursor, into []byte) ([]byte, error) {
	if text, ok := c.Between(); ok {
		if out, err := decodeText(text, into); err == nil {
			c.Pass(text)
			return out, nil
		}
	}
	text, err := c.Text()
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendDecode(into, text)
}

// Base64 is decoded in pieces of pieceLen letters, each 3/4 as many bytes.
const pieceLen = 64

var (
	zeroText  = strings.Repeat("A", pieceLen)
	zeroBytes = make([]byte, pieceLen/4*3)
	errText   = errors.New("not plain base64")
)

// decodeText appends base64 without anything beside it: decoding ignores line ends,
// which JSON forbids. Most of a tar's headers is zeros, and most pieces are all
// zeros: finding that is quicker than decoding them.
func decodeText(text, into []byte) ([]byte, error) {
	if len(text)%4 != 0 {
		return nil, errText
	}
	for len(text) > pieceLen {
		piece := text[:pieceLen]
		text = text[pieceLen:]
		if string(piece) == zeroText {
			into = append(into, zeroBytes...)
			continue
		}
		before := len(into)
		var err error
		if into, err = base64.StdEncoding.AppendDecode(into, piece); err != nil {
			return nil, err
		}
		if len(into)-before != len(zeroBytes) {
			return nil, errText // padding, with more behind it
		}
	}
	want := len(into) + len(text)/4*3
	for i := len(text); i > 0 && text[i-1] == '='; i-- {
		want--
	}
	into, err := base64.StdEncoding.AppendDecode(into, text)
	if err == nil && len(into) != want {
		err = errText
	}
	return into, err
}
