package relay

import (
	"errors"
	"io"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/tarsplit"
)

// Limits of one askReadFiles. All of it fits into the memory of a lane: first the
// content of the files, then the rest of the answer.
const (
	maxData  = 1 << 20   // bytes of content
	maxText  = 256 << 10 // bytes of names
	maxFiles = 4096
)

// ReadFile implements [driver.Reader].
func (t *tree) ReadFile(name string, p []byte) (size int64, err error) {
	n, size, err := t.ReadFiles([]tarsplit.FileInto{{Name: name, P: p}})
	if n == 1 {
		return int64(len(p)), nil
	}
	return size, err
}

// UseFile implements [driver.Reader].
func (t *tree) UseFile(name string, use func(fd int, size int64) error) error {
	return driver.UseOpened(t, name, use)
}

// ReadFiles implements [tarsplit.BatchReader].
func (t *tree) ReadFiles(files []tarsplit.FileInto) (n int, size int64, err error) {
	for n < len(files) {
		some := fitting(files[n:])
		if some == 0 {
			size, err = t.readLarge(files[n])
			if err != nil || size != int64(len(files[n].P)) {
				return n, size, err
			}
			n++
			continue
		}
		done, size, err := t.readSome(files[n : n+some])
		if n += done; done < some {
			return n, size, err
		}
	}
	return n, 0, nil
}

// fitting is how many of the files fit into one call; 0 if the first is too large.
func fitting(files []tarsplit.FileInto) (n int) {
	data, names := 0, 0
	for _, f := range files {
		data += len(f.P)
		names += len(f.Name)
		if n == maxFiles || data > maxData || n > 0 && names > maxText {
			break
		}
		n++
	}
	return n
}

// readSome reads what fits into one call.
func (t *tree) readSome(files []tarsplit.FileInto) (n int, size int64, err error) {
	name := files[0].Name
	l, m, err := t.begin("open", name, askReadFiles, func(e *encoder) {
		e.uint(uint64(len(files)))
		for _, f := range files {
			e.str(f.Name)
			e.uint(uint64(len(f.P)))
		}
	})
	if err != nil {
		return 0, 0, err
	}
	a, err := l.ask(m)
	var next error // of the file behind those that were read
	err = t.client.finish(l, &a, err, func(a *answer) {
		n = int(min(a.uint(), uint64(len(files))))
		size, next = a.int(), a.maybeFault()
		data := l.mem
		for _, f := range files[:n] {
			copy(f.P, data)
			data = data[len(f.P):]
		}
	})
	if err != nil {
		return 0, 0, t.wrap("open", name, err)
	}
	return n, size, next
}

// readLarge reads a file that is not small.
func (t *tree) readLarge(into tarsplit.FileInto) (size int64, err error) {
	f, err := t.OpenFile(into.Name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() != int64(len(into.P)) {
		return info.Size(), nil
	}
	if n, err := f.ReadAt(into.P, 0); n < len(into.P) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, t.wrap("read", f.Name(), err)
	}
	return info.Size(), nil
}
