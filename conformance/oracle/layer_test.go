package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"os"

	"github.com/vbatts/tar-split/tar/storage"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/tarsplit"
)

// layer is what both readers take files from. To tar-split it is a
// storage.FileGetPutter; files and fast make it a tarsplit.Opener.
type layer interface {
	content(name string) ([]byte, error)
}

// kept is a layer of the files that a pull put into it, by exact name: tar-split
// refuses two names that mean the same.
type kept struct {
	files map[string][]byte
	left  int64 // how many bytes may still be put
}

var (
	errMuch = errors.New("more content than the test keeps")
	errGone = fmt.Errorf("no such file in the layer: %w", fs.ErrNotExist)
)

func (k *kept) content(name string) ([]byte, error) {
	if p, ok := k.files[name]; ok {
		return p, nil
	}
	return nil, errGone
}

func (k *kept) Put(name string, r io.Reader) (int64, []byte, error) {
	p, err := io.ReadAll(io.LimitReader(r, k.left+1))
	if k.left -= int64(len(p)); err == nil && k.left < 0 {
		err = errMuch
	}
	k.files[name] = p
	sum := crc64.New(storage.CRCTable)
	sum.Write(p)
	return int64(len(p)), sum.Sum(nil), err
}

// getter makes a layer a storage.FileGetter.
type getter struct{ layer }

func (g getter) Get(name string) (io.ReadCloser, error) {
	p, err := g.content(name)
	return io.NopCloser(bytes.NewReader(p)), err
}

// files makes a layer an opener of files in memory.
type files struct{ layer }

var _ tarsplit.Opener = files{}

func (l files) OpenFile(name string) (*os.File, error) {
	p, err := l.content(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("layer", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "layer")
	if _, err := f.WriteAt(p, 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// fast reads small files without opening them.
type fast struct{ files }

var _ tarsplit.FileReader = fast{}

func (l fast) ReadFile(name string, p []byte) (int64, error) {
	have, err := l.content(name)
	copy(p, have)
	return int64(len(have)), err
}
