package transfer

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// SparseOptions of [Sparse].
type SparseOptions struct {
	// NoShare forbids copy_file_range, which shares blocks on some file systems.
	NoShare bool
	// Buffer is what is read into where nothing else works; nil: one is made.
	Buffer []byte
	// Told, if not nil, is called after each step with the bytes passed, holes
	// included; its error ends the copy.
	Told func(int64) error
}

// Sparse copies the first size bytes of the file src to dst, an empty regular file
// whose position is 0, by descriptors. Holes of src are holes in dst, as far as the file
// systems know them.
//
// If src ends early the error matches [io.ErrUnexpectedEOF].
func Sparse(dst, src int, size int64, opts SparseOptions) error {
	for at := int64(0); at < size; {
		data, end, err := nextData(src, at, size)
		if err != nil {
			return err
		}
		if data > at {
			if err := tell(opts.Told, data-at); err != nil {
				return err
			}
		}
		if data < size {
			if err := copyRange(dst, src, data, end, &opts); err != nil {
				return err
			}
		}
		at = end
		if data == size { // a hole at the end
			break
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(dst, &st); err != nil || st.Size == size {
		return err
	}
	// What shortens src now is seen by its length alone.
	if err := unix.Fstat(src, &st); err != nil {
		return err
	}
	if st.Size < size {
		return io.ErrUnexpectedEOF
	}
	return unix.Ftruncate(dst, size)
}

// nextData returns where the next data lie, from at on. Without data up to size, both
// are size.
func nextData(src int, at, size int64) (data, end int64, err error) {
	switch data, err = unix.Seek(src, at, unix.SEEK_DATA); {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case err != nil:
		return at, size, nil //nolint:nilerr // the file system does not know
	}
	if end, err = unix.Seek(src, data, unix.SEEK_HOLE); err != nil {
		return 0, 0, err
	}
	if end <= data { // no file system says so
		end = size
	}
	return min(data, size), min(end, size), nil
}

// copyRange copies from..to to the same place.
func copyRange(dst, src int, from, to int64, opts *SparseOptions) error {
	for !opts.NoShare && from < to {
		in, out := from, from
		n, err := unix.CopyFileRange(src, &in, dst, &out, int(min(to-from, step)), 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil && !unfit(err):
			return err
		case n <= 0: // nothing is the end of src, or a file system that answers so
			opts.NoShare = true
			continue
		}
		from += int64(n)
		if err := tell(opts.Told, int64(n)); err != nil {
			return err
		}
	}
	if from < to && opts.Buffer == nil {
		opts.Buffer = make([]byte, min(to-from, 256<<10))
	}
	for passed := int64(0); from < to; {
		n, err := unix.Pread(src, opts.Buffer[:min(int64(len(opts.Buffer)), to-from)], from)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		}
		for p := opts.Buffer[:n]; len(p) > 0; {
			k, err := unix.Pwrite(dst, p, from)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return err
			case k == 0:
				return io.ErrShortWrite
			}
			from, p = from+int64(k), p[k:]
		}
		if passed += int64(n); passed >= step || from == to {
			if err := tell(opts.Told, passed); err != nil {
				return err
			}
			passed = 0
		}
	}
	return nil
}

func tell(told func(int64) error, n int64) error {
	if told == nil {
		return nil
	}
	return told(n)
}
