package beneath

import (
	"io"

	"golang.org/x/sys/unix"
)

// ReadInto reads the regular file name into p if its size is len(p), and returns its
// size; if that is another, p is left alone. It is [Dir.File], reading and closing in
// one, in half the time for a small file: nothing needs an [*os.File], and where the
// kernel lets us mount the tree privately, without devices, the file need not be
// pinned before it is opened. (Files so opened are not given away: before Linux 5.18
// blocks are not shared between mounts.) A file that is shortened meanwhile gives an
// error matching [io.ErrUnexpectedEOF].
func (d *Dir) ReadInto(name string, p []byte) (size int64, err error) {
	fd, st, ok := d.openDirectly(name)
	if !ok {
		if fd, st, err = d.regularFD(name, unix.O_NOFOLLOW); err != nil {
			return 0, err
		}
	}
	defer unix.Close(fd)
	if st.Size != int64(len(p)) {
		return st.Size, nil
	}
	for n := 0; n < len(p); {
		k, err := retry(func() (int, error) { return unix.Pread(fd, p[n:], int64(n)) })
		if err != nil {
			return 0, d.wrap("read", name, err)
		}
		if k == 0 {
			return 0, d.wrap("read", name, io.ErrUnexpectedEOF)
		}
		n += k
	}
	return st.Size, nil
}
