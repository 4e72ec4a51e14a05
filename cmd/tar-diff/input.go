package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"github.com/cstor-go/cstor/tardiff"
)

// input is an archive that was opened.
type input struct {
	// r is of what was compressed. Of a plain file it is that, which package tardiff
	// can read again.
	r           io.Reader
	name        string // as it was given
	compression string
	file        *os.File // to be closed; nil if it is standard input
	ahead       *ahead   // nil if it is not read ahead
}

// open opens both archives. The caller closes them.
func (d *diff) open(names []string) (a, b *input, err error) {
	// All is looked at before anything is opened: opening a FIFO waits for its writer.
	var infos [2]fs.FileInfo
	for i, name := range names {
		if infos[i], err = d.stat(name); err != nil {
			return nil, nil, err
		}
	}
	if infos[0] != nil && infos[1] != nil && os.SameFile(infos[0], infos[1]) && !infos[0].Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s and %s are the same pipe or device, whose bytes only one of them can have", title(names[0]), title(names[1]))
	}
	if a, err = d.openOne(names[0]); err != nil {
		return nil, nil, err
	}
	if b, err = d.openOne(names[1]); err != nil {
		a.close()
		return nil, nil, err
	}
	return a, b, nil
}

// stat returns nil for standard input that is not a file.
func (d *diff) stat(name string) (info fs.FileInfo, err error) {
	if name == "-" {
		f, ok := d.stdin.(*os.File)
		if !ok {
			return nil, nil
		}
		if term.IsTerminal(int(f.Fd())) {
			return nil, errors.New("standard input is a terminal: a tar is expected there")
		}
		info, err = f.Stat()
	} else {
		info, err = os.Stat(name)
	}
	if bad := (*fs.PathError)(nil); errors.As(err, &bad) {
		return nil, fmt.Errorf("%s: %w", title(name), bad.Err)
	}
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", title(name))
	}
	return info, err
}

func (d *diff) openOne(name string) (*input, error) {
	in := &input{name: name, r: d.stdin}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		in.file, in.r = f, f
	}
	plain, compression, err := tardiff.Decompress(in.r)
	if err != nil {
		in.close()
		return nil, fmt.Errorf("%s: %w", in.title(), err)
	}
	in.compression = compression
	if plain != in.r { // it takes time, or somebody else does
		in.ahead = newAhead(plain)
		plain = in.ahead
	}
	in.r = plain
	return in, nil
}

func (in *input) close() {
	if in.ahead != nil {
		in.ahead.stop()
	}
	if in.file != nil {
		_ = in.file.Close() // was only read
	}
}

// title is how the archive is called.
func (in *input) title() string { return title(in.name) }

func title(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
