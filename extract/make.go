package extract

import (
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// make makes what is no directory, below the descriptor of the directory that it is in.
func (w *worker) make(dir int, n *merge.Node) error {
	if err := w.complete(n); err != nil {
		return err
	}
	base, e := path.Base(n.Path), n.Entry
	at := &node{path: n.Path, dir: dir, base: base, fd: -1, kind: e.Type}
	switch e.Type {
	case '0':
		return w.file(at, n)
	case '2':
		if err := beneath.Retry(func() error { return unix.Symlinkat(e.Linkname, dir, base) }); err != nil {
			return failed("create", err)
		}
		w.report.Symlinks++
		return w.describe(at, e)
	case '3', '4', '6':
		return w.device(at, e)
	}
	// Of a layer alone, what the disk does not have either.
	return failed("create", fmt.Errorf("a further name of %q in the layers below: %w", e.Linkname, unix.EOPNOTSUPP))
}

// device makes a device or a FIFO.
func (w *worker) device(n *node, e *tarsplit.Entry) error {
	kind, number := uint32(unix.S_IFIFO), uint64(0)
	if e.Type != '6' {
		kind = unix.S_IFCHR
		if e.Type == '4' {
			kind = unix.S_IFBLK
		}
		const maxMajor, maxMinor = 1<<12 - 1, 1<<20 - 1 // of Linux (kdev_t.h)
		if e.Devmajor < 0 || e.Devmajor > maxMajor || e.Devminor < 0 || e.Devminor > maxMinor {
			return failed("create device", unix.EINVAL)
		}
		number = unix.Mkdev(uint32(e.Devmajor), uint32(e.Devminor))
	}
	mode := uint32(e.Mode) & 0o7777
	err := beneath.Retry(func() error { return unix.Mknodat(n.dir, n.base, kind|mode, int(number)) })
	if err != nil {
		if !w.mayLose(err) {
			return failed("create device", err)
		}
		w.report.Lost.Devices.add(n.path, err)
		return nil
	}
	n.mode = mode &^ w.mask
	w.report.Others++
	return w.describe(n, e)
}

// file makes a regular file.
func (w *worker) file(n *node, m *merge.Node) (err error) {
	// Most files belong to who makes them, and have their mode from the beginning. Set-id
	// bits come when the content is there.
	mode := uint32(m.Entry.Mode) & 0o777
	flags := unix.O_WRONLY
	if w.opts.Verify {
		flags = unix.O_RDWR
	}
	flags |= unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	err = beneath.Retry(func() (err error) {
		n.fd, err = unix.Openat(n.dir, n.base, flags, mode)
		return err
	})
	if err != nil {
		return failed("create", err)
	}
	n.mode = mode &^ w.mask
	err = w.content(n.fd, m)
	if err == nil {
		w.report.Files++
		err = w.describe(n, m.Entry)
	}
	if closeErr := unix.Close(n.fd); err == nil { // some file systems say only here that there was no room
		err = failed("close", closeErr)
	}
	return err
}
