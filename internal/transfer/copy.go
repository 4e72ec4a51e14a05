package transfer

import (
	"cmp"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// step is how many bytes one system call is asked to move: small enough that
// progress can be told and an interruption noticed.
const step = 4 << 20

// Copy appends size bytes of src, from the offset from, to dst, at its file
// position, and advances that. The position of src does not matter and does not
// change. If told is not nil it is called after each step with the bytes moved;
// its error ends the copy.
//
// An error of src is a [*ReadError]; if src ends early it matches
// [io.ErrUnexpectedEOF]. The number of bytes moved is right with every error.
func Copy(dst, src *os.File, from, size int64, told func(int64) error) (moved int64, err error) {
	out, err := dst.SyscallConn()
	if err != nil {
		return 0, err
	}
	in, err := src.SyscallConn()
	if err != nil {
		return 0, &ReadError{err}
	}
	for _, move := range []mover{copyFileRange, sendfile} {
		for moved < size {
			n, _ := call(out, in, move, from+moved, int(min(size-moved, step)))
			if n == 0 {
				// Nothing, and no error, is the end of src, or a file system
				// that answers so; an error may be that of either file, or say
				// that the kernel refuses them: reading and writing will tell.
				break
			}
			moved += int64(n)
			if told != nil {
				if err := told(int64(n)); err != nil {
					return moved, err
				}
			}
		}
	}
	if moved == size {
		return moved, nil
	}
	n, err := readWrite(dst, src, from+moved, size-moved, told)
	return moved + n, err
}

// ReadError says that the source could not be read.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return e.Err.Error() }

func (e *ReadError) Unwrap() error { return e.Err }

// mover is a system call that moves at most n bytes.
type mover func(dst, src int, from int64, n int) (int, error)

func copyFileRange(dst, src int, from int64, n int) (int, error) {
	return unix.CopyFileRange(src, &from, dst, nil, n, 0)
}

func sendfile(dst, src int, from int64, n int) (int, error) {
	return unix.Sendfile(dst, src, &from, n)
}

// unfit reports whether the kernel refuses this pair of files, and not the bytes:
// other file systems (EXDEV), no regular file, or one open for appending (EINVAL,
// EBADF), old kernels, filters of system calls, swap files (ETXTBSY); or a pipe that
// nobody reads, of which a write makes the end that programs expect (EPIPE, SIGPIPE).
func unfit(err error) bool {
	for _, e := range []unix.Errno{unix.EXDEV, unix.EINVAL, unix.EBADF, unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM, unix.ETXTBSY, unix.EISDIR, unix.EOVERFLOW, unix.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// call moves once, and waits as long as dst, a pipe, takes nothing.
func call(dst, src syscall.RawConn, move mover, from int64, n int) (moved int, err error) {
	var waiting error
	closed := src.Control(func(in uintptr) {
		waiting = dst.Write(func(out uintptr) (done bool) {
			for {
				moved, err = move(int(out), int(in), from, n)
				if !errors.Is(err, unix.EINTR) {
					return !errors.Is(err, unix.EAGAIN)
				}
			}
		})
	})
	if outside := errors.Join(closed, waiting); outside != nil {
		return 0, outside
	}
	return max(moved, 0), err
}

func readWrite(dst, src *os.File, from, size int64, told func(int64) error) (moved int64, err error) {
	buf := make([]byte, min(size, 256<<10))
	for moved < size {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), size-moved)], from+moved)
		if n == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return moved, &ReadError{err}
		}
		k, err := dst.Write(buf[:n])
		moved += int64(k)
		if told != nil {
			err = cmp.Or(err, told(int64(k)))
		}
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}
