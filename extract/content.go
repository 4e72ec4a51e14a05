package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/transfer"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

const (
	// bufSize is what is read at a time: files up to this size by one call.
	bufSize = 128 << 10
)

// A source is a layer that gives content.
type source struct {
	*cstor.Layer
	apart atomic.Bool // its blocks cannot be shared with the destination
	mount atomic.Bool // nor could they by a descriptor of UseFile: of OpenFile they can
}

// length of a file, with its holes.
func length(e *tarsplit.Entry) int64 {
	if e.Sparse != nil {
		return e.Sparse.Size
	}
	return e.Size
}

// content gives a new file the content of a file of a layer.
func (w *worker) content(fd int, n *merge.Node) error {
	size := length(n.Entry)
	switch {
	case size == 0:
		return nil
	case n.Entry.File == "": // one hole
		return failed("write", unix.Ftruncate(fd, size))
	}
	s := w.sources[n.Layer]
	if s.mount.Load() {
		return w.reopened(s, fd, n.Entry.File, size)
	}
	again := false
	err := s.UseFile(n.Entry.File, func(from int, has int64) error {
		if has != size {
			return failed("read", fmt.Errorf("%w: the tar has %d bytes, the file %d", tarsplit.ErrSize, size, has))
		}
		if w.opts.Reflink == ReflinkNever || s.apart.Load() {
			return w.copied(fd, from, size)
		}
		err := unix.IoctlFileClone(fd, from)
		if again = errors.Is(err, unix.EXDEV); again {
			return nil
		}
		return w.cloned(s, fd, from, size, err)
	})
	if again {
		return w.reopened(s, fd, n.Entry.File, size)
	}
	if o := (*opError)(nil); err != nil && !errors.As(err, &o) {
		return failed("read", readError(s.Layer, n.Entry.File, err))
	}
	return err
}

// reopened shares a file's blocks by another descriptor, as Linux before 5.18 refuses
// to share between mounts.
func (w *worker) reopened(s *source, fd int, name string, size int64) error {
	f, err := s.OpenFile(name)
	if err != nil {
		return failed("read", readError(s.Layer, name, err))
	}
	defer f.Close()
	from := int(f.Fd())
	err = unix.IoctlFileClone(fd, from)
	s.mount.Store(err == nil)
	return w.cloned(s, fd, from, size, err)
}

// cloned says what comes of an attempt to share blocks, which gave err.
func (w *worker) cloned(s *source, fd, from int, size int64, err error) error {
	switch {
	case err == nil:
		w.report.Shared += size
		return nil
	case !unclonable(err):
		return failed("share blocks", err)
	case w.opts.Reflink == ReflinkAlways:
		return failed("share blocks", fmt.Errorf("%w: the store is on %s, the destination on %s: %w",
			ErrNoReflink, fileSystem(from), fileSystem(fd), err))
	case !errors.Is(err, unix.EINVAL): // which may be about this pair of files
		s.apart.Store(true)
	}
	return w.copied(fd, from, size)
}

// unclonable reports whether an error of FICLONE says that it cannot be done, here or at
// all (ioctl_ficlone(2)).
func unclonable(err error) bool {
	for _, e := range []unix.Errno{unix.EOPNOTSUPP, unix.EXDEV, unix.EINVAL, unix.ENOTTY, unix.ENOSYS, unix.EPERM, unix.ETXTBSY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// copied copies a file's content.
func (w *worker) copied(fd, from int, size int64) error {
	w.report.Copied += size
	err := w.copy(fd, from, size)
	if err == nil && w.opts.Verify {
		err = w.compare(fd, from, size)
	}
	return err
}

func (w *worker) copy(fd, from int, size int64) error {
	if size > bufSize {
		return w.copiedLarge(fd, from, size)
	}
	for at := int64(0); at < size; {
		n, err := read(from, w.buf[:size-at], at)
		if err != nil {
			return failed("read", err)
		}
		if err := writeAll(fd, w.buf[:n]); err != nil {
			return failed("write", err)
		}
		at += int64(n)
	}
	return nil
}

func read(fd int, p []byte, at int64) (n int, err error) {
	n, err = pread(fd, p, at)
	if n == 0 && err == nil {
		err = fmt.Errorf("%w: %w", tarsplit.ErrSize, io.ErrUnexpectedEOF)
	}
	return n, err
}

// pread is [unix.Pread] without EINTR; n is never negative.
func pread(fd int, p []byte, at int64) (n int, err error) {
	err = beneath.Retry(func() (err error) {
		n, err = unix.Pread(fd, p, at)
		return err
	})
	return max(n, 0), err
}

func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return io.ErrShortWrite
		}
		p = p[max(n, 0):]
	}
	return nil
}

// copiedLarge copies in the kernel, if it can, and leaves holes holes.
func (w *worker) copiedLarge(fd, from int, size int64) error {
	told := int64(0)
	err := transfer.Sparse(fd, from, size, transfer.SparseOptions{
		NoShare: w.opts.Reflink == ReflinkNever, Buffer: w.buf,
		Told: func(n int64) error {
			told += n
			if w.opts.Progress != nil {
				w.opts.Progress(Progress{Copied: n})
				w.told.Copied += n
			}
			return context.Cause(w.ctx)
		},
	})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: shortened while it was read: %w", tarsplit.ErrSize, err)
	}
	return failed("copy", err)
}

// fileSystem names the file system that an open file is on.
func fileSystem(fd int) string {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return "an unknown file system"
	}
	if name := fileSystems[uint32(st.Type)]; name != "" {
		return name
	}
	return fmt.Sprintf("a file system of type %#x", uint32(st.Type))
}

// fileSystems are those that one meets, by their magic numbers (statfs(2)).
var fileSystems = map[uint32]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs",
	unix.NFS_SUPER_MAGIC: "nfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.F2FS_SUPER_MAGIC: "f2fs", unix.MSDOS_SUPER_MAGIC: "vfat",
	unix.FUSE_SUPER_MAGIC: "fuse", unix.SQUASHFS_MAGIC: "squashfs", unix.EROFS_SUPER_MAGIC_V1: "erofs", 0x2fc12fc1: "zfs",
	unix.CIFS_SUPER_MAGIC: "cifs", unix.EXFAT_SUPER_MAGIC: "exfat", 0xca451a4e: "bcachefs", unix.V9FS_MAGIC: "9p",
}
