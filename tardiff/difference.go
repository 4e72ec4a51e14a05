package tardiff

// Kind says what sort of difference one is.
type Kind string

// The kinds there are. More may come.
const (
	KindMissing  Kind = "missing"  // an entry of A that B lacks
	KindExtra    Kind = "extra"    // an entry of B that A lacks
	KindMoved    Kind = "moved"    // an entry of both, elsewhere among the others; Values are empty
	KindField    Kind = "field"    // a field of a header means something else
	KindEncoding Kind = "encoding" // a field, record or header means the same in other bytes
	KindRecord   Kind = "record"   // what an extension before a header says
	KindContent  Kind = "content"  // bytes of an entry's content
	KindPadding  Kind = "padding"  // what fills up the last block of content or of an extension
	KindTrailer  Kind = "trailer"  // what is behind the last entry
	KindStream   Kind = "stream"   // the archives differ, and no other difference says where
)

// Difference is one difference between the archives A and B. Strings are byte-exact,
// whatever is in them; [Difference.MarshalJSON] keeps them so.
type Difference struct {
	Kind Kind
	// Name of the entry, with the extensions before its header applied; empty for
	// what is behind the last entry.
	Name string
	// Record is the extension that is spoken of: "pax", "global" (PAX for all entries
	// behind it), "longname", "longlink" (GNU's), "sparse" (blocks of GNU's old map
	// behind the header). Empty: the header itself.
	Record string
	// Field of a header, as POSIX and GNU call them ("mode", "devmajor", "atime"), or
	// key of a PAX record; with kind encoding, empty if it is about all the records.
	// Of kind content it is empty, Values being the first bytes that differ, or
	// "sha256": only digests were compared. Of kind trailer it is "zeros", Values
	// being how many bytes of zeros follow the last entry, or "data", which is what
	// stands behind those.
	Field string
	// ContentOffset is how many bytes into the content the first difference is; -1 if
	// that is not known, or the kind is another.
	ContentOffset int64

	A, B Side
}

// Side is what one of the archives has.
type Side struct {
	// Offset in the uncompressed archive, in bytes, of what differs, or of the first
	// byte that describes the entry; -1 if this archive has nothing that could be
	// shown, which is not the same as an empty Value.
	Offset int64
	// Entry is the entry's number, counted from 0; -1 for what belongs to none.
	Entry int64
	// Value is what stands there, at most 256 bytes of it. Numbers are decimal, modes
	// and checksums octal, times seconds since 1970; bytes of content, padding and
	// encodings are as they are.
	Value string
	// Start is where in the whole value Value begins, and Length how long that is, in
	// bytes. If Value is all of it: 0, and its length.
	Start, Length int64
}

// nothing is a side that has none of what the other has.
func nothing() Side { return Side{Offset: -1, Entry: -1} }

const (
	maxValue = 256
	lead     = 64 // of the bytes in front of the first difference, how many are shown
)

// cut sets the values of both sides, shortened around their first difference.
func (d *Difference) cut(a, b string) {
	at := firstDifference(a, b)
	for _, s := range []struct {
		side  *Side
		value string
	}{{&d.A, a}, {&d.B, b}} {
		s.side.Length = int64(len(s.value))
		start := 0
		if len(s.value) > maxValue {
			start = min(max(at-lead, 0), len(s.value)-maxValue)
		}
		s.side.Start = int64(start)
		s.side.Value = s.value[start:min(start+maxValue, len(s.value))]
	}
}
