package beneath

import (
	"io"

	"golang.org/x/sys/unix"
)

// UseFile opens the regular file name, calls use with its descriptor and its size in
// bytes, and closes it. It is [Dir.File] in half the time for a small file: nothing
// needs an [*os.File], and where the kernel lets us mount the tree privately, without
// devices, the file need not be pinned before it is opened. Before Linux 5.18 blocks
// are not shared between mounts: a descriptor of File is for that.
//
// What is not a regular file is an error matching [ErrNotRegular], though a FIFO may have
// been opened by then. The descriptor is valid until use returns. The error of use is returned as it is.
func (d *Dir) UseFile(name string, use func(fd int, size int64) error) error {
	fd, st, ok := d.openDirectly(name)
	if !ok {
		var err error
		if fd, st, err = d.regularFD(name, unix.O_NOFOLLOW); err != nil {
			return err
		}
	}
	defer unix.Close(fd)
	return use(fd, st.Size)
}

// ReadInto reads the regular file name into p if its size is len(p), and returns its
// size; if that is another, p is left alone. It opens as [Dir.UseFile]. A file that is
// shortened meanwhile gives an error matching [io.ErrUnexpectedEOF].
func (d *Dir) ReadInto(name string, p []byte) (size int64, err error) {
	err = d.UseFile(name, func(fd int, has int64) error {
		size = has
		if size != int64(len(p)) {
			return nil
		}
		for n := 0; n < len(p); {
			k, err := retry(func() (int, error) { return unix.Pread(fd, p[n:], int64(n)) })
			if err != nil {
				return d.wrap("read", name, err)
			}
			if k == 0 {
				return d.wrap("read", name, io.ErrUnexpectedEOF)
			}
			n += k
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return size, nil
}
