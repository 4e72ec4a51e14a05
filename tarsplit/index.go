package tarsplit

import (
	"slices"
	"sort"
)

// blockLen is how many inline bytes are compressed together. Of the headers of a
// /usr (30,000 entries, GNU format and PAX with three times each) 32 KiB blocks of
// s2 are a 20th and take 5 µs to decompress; of 64 KiB, a 23rd and 9 µs. Those of
// zstd, fastest level, are a 32nd and 9 µs, a 37th and 14 µs: 17 to 31 bytes an
// entry less, for every small read to wait twice as long.
const blockLen = 32 << 10

// index says where each byte of a tar comes from. It does not change once it is
// built. It holds no pointers but those to blocks: the garbage collector has little
// to look at.
type index struct {
	files  []fileAt  // in order; behind the last file one more: the end of the tar
	names  []byte    // of the files, one after the other
	pieces []pieceAt // the files that are but a piece of one on disk, in order
	blocks [][]byte  // all inline bytes in a row, blockLen a block, each s2 of its own
}

// fileAt is where a file begins: the next one tells where it ends.
type fileAt struct {
	tar     int64 // in the tar
	content int64 // in the contents of all files, one after the other
	name    int64 // in index.names
}

// pieceAt is a fragment of a sparse file. Sparse layers are rare, and fragments many.
type pieceAt struct {
	file   int   // of the index
	last   int   // of the same file on disk: it has the name
	from   int64 // in the file on disk
	length int64 // of the file on disk
	lost   bool
}

// Lengths in memory.
const (
	fileAtLen  = 3 * 8
	pieceAtLen = 5 * 8
)

// len is the number of files.
func (x *index) len() int { return len(x.files) - 1 }

// total is the length of the tar in bytes.
func (x *index) total() int64 { return x.files[x.len()].tar }

func (x *index) size(file int) int64 { return x.files[file+1].content - x.files[file].content }

// piece returns where on disk a file lies.
func (x *index) piece(file int) pieceAt {
	i, found := slices.BinarySearchFunc(x.pieces, file, func(p pieceAt, file int) int { return p.file - file })
	if found {
		return x.pieces[i]
	}
	return pieceAt{file: file, last: file, length: x.size(file)}
}

// name is that of a file that is the last piece of itself.
func (x *index) name(file int) string {
	return string(x.names[x.files[file].name:x.files[file+1].name])
}

// behind returns the first file that begins behind an offset of the tar, which must
// be less than total; len if it is the end of the tar that comes next.
func (x *index) behind(off int64) int {
	return sort.Search(x.len(), func(i int) bool { return x.files[i].tar > off })
}
