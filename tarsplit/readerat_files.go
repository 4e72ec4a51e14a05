package tarsplit

import "iter"

// File is where a tar has the content of a file.
type File struct {
	Name   string // as in the tar header, any bytes
	Offset int64  // of the content in the tar, in bytes; its header lies in front
	Size   int64  // of the content in bytes, without padding; never 0
}

// Files yields all files that have content, in the order of the tar, from memory,
// also after Close. A name may come twice, and then the last one counts. The content of
// a sparse file is its data without the holes: see [Entry.Sparse].
//
// To read a few files this is better than archive/tar over a section reader: that
// seeks over content up to its last byte, which it reads, and so all files in front
// of the wanted one are opened. Who wants headers too takes [Entries], or archive/tar
// from an [Entry.Header] on.
func (r *ReaderAt) Files() iter.Seq[File] {
	return func(yield func(File) bool) {
		x := r.index
		for i := 0; i < x.len(); i++ {
			from := x.files[i]
			i = x.piece(i).last
			if !yield(File{Name: x.name(i), Offset: from.tar, Size: x.files[i+1].content - from.content}) {
				return
			}
		}
	}
}
