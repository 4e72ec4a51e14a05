package tardiff

import "github.com/cstor-go/cstor/internal/tarhead"

// Places in a header's block (POSIX ustar).
const (
	sizeStart, sizeEnd = 124, 136
	sumStart           = 148
	typeflag           = 156
)

// extensions are the headers that stand before the one they are about, by typeflag,
// as Difference.Record calls them.
var extensions = map[byte]string{'x': "pax", 'g': "global", 'L': "longname", 'K': "longlink"}

func isExtension(flag byte) bool { return flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K' }

// part of a head: an extension, or the header itself.
type part struct {
	record string // "" is the header
	at     int    // in the head
	block  []byte
	data   []byte // of an extension; of the header, the blocks of its sparse map
	pad    []byte // behind the data
}

// split takes a head apart. The last block may be cut off, at the end of an archive.
func split(head []byte) (list []part) {
	for at := 0; at < len(head); {
		block := head[at:min(at+blockSize, len(head))]
		p := part{at: at, block: block}
		rest := head[at+len(block):]
		if len(block) < blockSize || !isExtension(block[typeflag]) {
			p.data = rest
			return append(list, p)
		}
		p.record = extensions[block[typeflag]]
		size, _ := tarhead.Number(block[sizeStart:sizeEnd])
		size = min(max(size, 0), int64(len(rest)))
		p.data, rest = rest[:size], rest[size:]
		p.pad = rest[:min(-size&(blockSize-1), int64(len(rest)))]
		list = append(list, p)
		at += blockSize + len(p.data) + len(p.pad)
	}
	return list
}

// byRecord has the extensions of each sort in their order.
func byRecord(list []part) map[string][]part {
	m := map[string][]part{}
	for _, p := range list {
		m[p.record] = append(m[p.record], p)
	}
	return m
}
