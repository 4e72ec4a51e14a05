package imagefs

import (
	"io"
	"io/fs"
	"os"
)

// openFile is an open regular file. It hides what else an [os.File] can do, since a
// descriptor is of the store's own file: with it modes and times could be changed.
type openFile struct {
	file *os.File
	info fs.FileInfo
}

var (
	_ io.ReaderAt = (*openFile)(nil)
	_ io.Seeker   = (*openFile)(nil)
	_ io.WriterTo = (*openFile)(nil)
)

func (f *openFile) Stat() (fs.FileInfo, error)                 { return f.info, nil }
func (f *openFile) Read(p []byte) (int, error)                 { return f.file.Read(p) }
func (f *openFile) ReadAt(p []byte, off int64) (int, error)    { return f.file.ReadAt(p, off) }
func (f *openFile) Seek(offset int64, from int) (int64, error) { return f.file.Seek(offset, from) }
func (f *openFile) WriteTo(w io.Writer) (int64, error)         { return f.file.WriteTo(w) }
func (f *openFile) Close() error                               { return f.file.Close() }
