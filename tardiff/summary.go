package tardiff

// Summary tells of a comparison as a whole.
type Summary struct {
	// Complete: both archives were read to their end. If not, the comparison ended
	// with an error, or was left, and the other numbers are those until then.
	Complete    bool    `json:"complete"`
	Differences int64   `json:"differences"` // that were yielded
	A           Archive `json:"a"`
	B           Archive `json:"b"`
}

// Same reports whether the archives are equal, byte for byte after decompression.
func (s *Summary) Same() bool { return s.Complete && s.Differences == 0 }

// Archive is one of the archives in a Summary.
type Archive struct {
	Entries int64 `json:"entries"`
	Size    int64 `json:"size"` // uncompressed, in bytes
	// Digest is "sha256:" and the SHA-256 of the uncompressed archive, which is the
	// diff id of a layer; empty unless Options.Digests asked for it and the archive
	// was read to its end.
	Digest string `json:"digest,omitempty"`
}
