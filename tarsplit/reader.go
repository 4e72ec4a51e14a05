package tarsplit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Options of a [Reader], a [ReaderAt] and of [Entries]. The zero value is ready to
// use.
type Options struct {
	// Size is the length of the tar in bytes, not negative, if SizeKnown: the recorded
	// diff size.
	// A recipe that gives more is stopped before the excess is handed out.
	Size      int64
	SizeKnown bool
	// CheckCRC compares every file that Read and Copy give with the checksum that was
	// recorded for it: the recipe's CRC-64, or, with [Make], the entry's SHA-256. Of
	// files without one see [Reader.Unchecked]. Of a sparse file the holes count as
	// zeros, unread: what is there is not in the tar. Needless where a digest of the
	// whole tar is checked. Next does not check: the content does not pass through. A
	// ReaderAt cannot.
	CheckCRC bool
	// MaxSegment is how many bytes may lie between the contents of two files;
	// 0 means 32 MiB, and 1 GiB is the most. Writers keep it below a few MiB.
	MaxSegment int
	// MaxIndex is how many bytes the index of a [ReaderAt] may hold; 0 means 512 MiB,
	// enough for about 3 million entries. While it is built it may take three times
	// as much.
	MaxIndex int64
	// Wrap, if not nil, is given the errors about the recipe and about files that a Reader
	// or ReaderAt gives after it was opened, and returns what to give in their place: one
	// that says which layer it is, say, and matches what it wraps. It is not asked about
	// [io.EOF], nor about contexts, closed readers and those whom Copy writes to. It may be
	// called by several goroutines, and twice with one error.
	Wrap func(error) error
}

// wrapped is err as Wrap has it.
func (o *Options) wrapped(err error) error {
	if o.Wrap == nil || err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return o.Wrap(err)
}

// Item is one piece of a tar: Bytes, or Size bytes of File from Offset on.
type Item struct {
	// Bytes are valid until the next call on the reader; nil if File is set.
	Bytes []byte
	// File is open for reading, and stands at Offset. When it was opened it ended where
	// the piece does, unless it is sparse. The caller closes it.
	File *os.File
	// Name of File in the tar header, any bytes.
	Name string
	// Offset is 0, unless Read took the beginning of the file, or it is sparse: of a
	// sparse file each fragment of data is an item of its own, with one name.
	Offset, Size int64
}

// Reader is a layer tar as a stream. It holds at most one file open, [Reader.Copy]
// some dozen. It is not safe for concurrent use.
//
// Errors are sticky: what failed once fails again in the same way. They are a
// [*FormatError] about the recipe or an [*EntryError] about a file, which [Options].Wrap
// may wrap; those of a writer and of a context that Copy was given, and [fs.ErrClosed]
// after Close; [NewPlainReader] and [Make], which read no recipe, have others of their own.
type Reader struct {
	src    source
	in     io.Reader // what Close closes, if it can be; nil when closed
	files  Opener
	opts   Options
	verify *verifier // nil if nothing is checked
	err    error

	inline []byte // rest of the present extent
	file   *os.File
	ext    extent
	left   int64 // bytes of file
	ahead  int64 // bytes that were walked and will not be handed out
}

// NewReader reads the recipe gz (a .tar-split.gz file) and takes the files that it
// names from files. If gz is an [io.Closer], Close closes it; after an error of
// NewReader itself, a [*FormatError] or one about the options, it is still the caller's.
func NewReader(gz io.Reader, files Opener, opts Options) (*Reader, error) {
	walk, err := newWalker(gz, opts)
	if err != nil {
		return nil, err
	}
	return newReader(walk, gz, files, opts), nil
}

func newReader(src source, in io.Reader, files Opener, opts Options) *Reader {
	r := &Reader{src: src, in: in, files: files, opts: opts}
	if opts.CheckCRC {
		r.verify = new(verifier)
	}
	return r
}

// Offset is how many bytes of the tar have been handed out or skipped, counting
// all of a file that Next gave.
func (r *Reader) Offset() int64 {
	return r.src.counted().total - int64(len(r.inline)) - r.left - r.ahead
}

// Unchecked is how many of the files so far have no checksum: Options.CheckCRC cannot
// check them. In a recipe writers record a CRC-64 for each.
func (r *Reader) Unchecked() int64 { return r.src.counted().unsummed }

// Next returns the next piece of the tar, or io.EOF after the last. What Read left of
// a piece comes first.
func (r *Reader) Next() (Item, error) {
	if len(r.inline) == 0 && r.left == 0 {
		if err := r.advance(); err != nil {
			return Item{}, err
		}
	}
	if r.left > 0 {
		item := Item{File: r.file, Name: r.ext.name, Offset: r.place(), Size: r.left}
		if r.file, r.left = nil, 0; r.verify != nil {
			r.verify.forget()
		}
		return item, nil
	}
	item := Item{Bytes: r.inline}
	r.inline = nil
	return item, nil
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.inline) > 0 {
			k := copy(p[n:], r.inline)
			r.inline = r.inline[k:]
			n += k
			continue
		}
		if r.left > 0 {
			k, err := r.readFile(p[n:])
			n += k
			if err != nil {
				return n, err
			}
			continue
		}
		if err := r.advance(); err != nil {
			if n > 0 {
				return n, nil // sticky: the next call returns it
			}
			return 0, err
		}
	}
	return n, nil
}

// Close releases the file that is open, and the recipe; it reads and checks
// nothing. Twice is fine.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = fmt.Errorf("tarsplit: %w", fs.ErrClosed)
	}
	r.lose(0)
	r.src.stop()
	in := r.in
	r.in = nil
	if c, ok := in.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// advance moves to the next extent, of which nothing has been read yet.
func (r *Reader) advance() error {
	if r.err != nil {
		return r.err
	}
	ext, err := r.src.next()
	if err != nil {
		return r.fail(r.opts.wrapped(err))
	}
	if ext.inline != nil {
		r.inline = ext.inline
		return nil
	}
	if err := r.use(&ext); err != nil {
		r.lose(ext.size)
		return r.fail(r.opts.wrapped(entryError(ext.name, err)))
	}
	if r.verify != nil && !ext.again {
		r.verify.begin(ext.sum)
	}
	r.ext, r.left = ext, ext.size
	return nil
}

// use makes r.file stand where ext begins.
func (r *Reader) use(ext *extent) (err error) {
	if ext.lost {
		return errLostMap
	}
	if r.file == nil { // else it is the same: see readFile
		if r.file, err = openExtent(r.files, ext.name, ext.length); err != nil {
			return err
		}
	}
	if ext.again || ext.from > 0 {
		_, err = r.file.Seek(ext.from, io.SeekStart)
	}
	return err
}

// place is where in the file the next byte lies.
func (r *Reader) place() int64 { return r.ext.from + r.ext.size - r.left }

func (r *Reader) readFile(p []byte) (int, error) {
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.file.Read(p)
	if r.verify != nil {
		r.verify.write(p[:n], r.place())
	}
	r.left -= int64(n)
	switch {
	case err != nil && (r.left > 0 || !errors.Is(err, io.EOF)):
		return n, r.fail(r.opts.wrapped(entryError(r.ext.name, readError(err, r.left))))
	case r.left > 0:
		return n, nil
	}
	if r.ext.more {
		return n, nil
	}
	r.closeFile()
	if r.verify != nil {
		if err := r.verify.end(r.ext.length); err != nil {
			return n, r.fail(r.opts.wrapped(entryError(r.ext.name, err)))
		}
	}
	return n, nil
}

// fail makes err the reader's last word.
func (r *Reader) fail(err error) error {
	r.err = err
	r.src.stop()
	r.lose(0)
	return err
}

// lose gives up what has been begun, and n bytes more.
func (r *Reader) lose(n int64) {
	r.ahead += int64(len(r.inline)) + r.left + n
	r.inline, r.left = nil, 0
	r.closeFile()
}

func (r *Reader) closeFile() {
	if r.file != nil {
		_ = r.file.Close() // was only read
		r.file = nil
	}
}
