package extract

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// stack opens the files of layers by names that tell the layer too: "\x00" and its index,
// and behind a slash the name in its tar, which has no such byte. A file that is one
// great hole is in no layer: in the place of the index it has "hole", and its size is the
// name.
type stack []*cstor.Layer

var _ tarsplit.FileReader = stack(nil)

const hole = -1 // in the place of a layer

func stackName(n *merge.Node) string {
	switch size := length(n.Entry); {
	case size == 0:
		return ""
	case n.Entry.File == "":
		return "\x00hole/" + strconv.FormatInt(size, 10)
	}
	return "\x00" + strconv.Itoa(n.Layer) + "/" + n.Entry.File
}

// split takes such a name apart; ok is false for any other name.
func (s stack) split(name string) (layer int, file string, ok bool) {
	name, ok = strings.CutPrefix(name, "\x00")
	index, file, found := strings.Cut(name, "/")
	if !ok || !found {
		return 0, "", false
	}
	if index == "hole" {
		return hole, file, true
	}
	layer, err := strconv.Atoi(index)
	if err != nil || layer < 0 || layer >= len(s) {
		return 0, "", false
	}
	return layer, file, true
}

// OpenFile implements [tarsplit.Opener].
func (s stack) OpenFile(name string) (*os.File, error) {
	layer, file, ok := s.split(name)
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	case layer != hole:
		return s[layer].OpenFile(file)
	}
	size, err := strconv.ParseInt(file, 10, 64)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("hole", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "hole")
	if err := f.Truncate(size); err != nil {
		_ = f.Close() // has nothing in it
		return nil, err
	}
	return f, nil
}

// ReadFile implements [tarsplit.FileReader].
func (s stack) ReadFile(name string, p []byte) (size int64, err error) {
	layer, file, ok := s.split(name)
	switch {
	case !ok:
		return 0, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	case layer == hole:
		clear(p)
		return int64(len(p)), nil
	}
	err = s[layer].UseFile(file, func(fd int, has int64) error {
		if size = has; size != int64(len(p)) {
			return nil
		}
		for n := 0; n < len(p); {
			k, err := pread(fd, p[n:], int64(n))
			switch {
			case err != nil:
				return fmt.Errorf("read %q: %w", file, err)
			case k == 0:
				return io.ErrUnexpectedEOF
			}
			n += k
		}
		return nil
	})
	return size, err
}
