package tarsplit

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// Make is a Reader of a new tar, with the given entries in their order. It is for a
// layer of which the store knows what it holds, but not the tar that it came in: the
// result has the same content and is another tar. The same entries give the same
// bytes, always.
//
// Headers are ustar, or PAX where that does not do, and state what an Entry has, but
// for AccessTime, ChangeTime, and holes: a sparse file is written in full. Strings
// stay as they are, and ModTime is exact to the nanosecond. Types are '0' to '6';
// Linkname counts for '1' and '2', device numbers for '3' and '4', Size for '0', of
// which files has the content under Entry.File: that is the name of items, and in
// errors about content. Offsets have no meaning. What no tar can hold, such as a socket,
// must be left out: it is an [*EntryError], as are a Redirect (that matches
// [errors.ErrUnsupported]), a name with a NUL, one that ends in a
// slash of a file or device, negative owners, and modes and device numbers of more than
// 21 bits; and [ErrLimit] if names and attributes take more than 1 MiB.
//
// Options.CheckCRC compares the content that Read and Copy give with Entry.Digest: the
// error matches [ErrDigest]. Digests other than SHA-256 count as [Reader.Unchecked].
//
// Entries are asked for one by one while the tar is read, maybe by another goroutine.
// Their error is the Reader's. The iteration ends with the tar, with any error, or by
// Close, without which it may stay unfinished for ever.
func Make(entries iter.Seq2[*Entry, error], files Opener, opts Options) (*Reader, error) {
	c, err := newCount(opts)
	if err != nil {
		return nil, err
	}
	m := &maker{count: c, check: opts.CheckCRC}
	m.pull, m.finish = iter.Pull2(entries)
	return newReader(m, nil, files, opts), nil
}

// maker yields a tar that it makes.
type maker struct {
	count
	pull   func() (*Entry, error, bool)
	finish func()
	check  bool

	run     []byte // inline bytes
	content extent // what comes behind them, if its size is not 0
	padding int64  // behind that
	done    bool   // there are no more entries
}

func (m *maker) next() (extent, error) {
	x := m.content
	if m.content = (extent{}); x.size == 0 {
		if err := m.advance(); err != nil {
			m.stop()
			return extent{}, err
		}
		x.inline = m.run
	} else if !x.sum.known {
		m.unsummed++
	}
	if err := m.add(x.size + int64(len(x.inline))); err != nil {
		m.stop()
		return extent{}, err
	}
	return x, nil
}

func (m *maker) stop() { m.finish() }

// advance makes the run up to the next content, which is that of the next entry, if it
// has any.
func (m *maker) advance() error {
	if m.done {
		if err := m.end(); err != nil {
			return err
		}
		return io.EOF
	}
	m.run = append(m.run[:0], zeroBlocks[:m.padding]...)
	m.padding = 0
	e, err, more := m.pull()
	switch {
	case err != nil:
		return noEOF(err)
	case !more:
		m.done = true
		m.run = append(m.run, zeroBlocks[:]...)
		return nil
	}
	if err := m.entry(e); err != nil {
		return entryError(e.Name, err)
	}
	return nil
}

// zeroBlocks are the end of a tar.
var zeroBlocks [2 * blockSize]byte

func (m *maker) entry(e *Entry) error {
	if e.Redirect != "" {
		return fmt.Errorf("what it shows lies in the layers below as %.200q (overlay redirect), and no tar of one layer can say so: %w", e.Redirect, errors.ErrUnsupported)
	}
	h, err := newHeader(e)
	if err != nil {
		return err
	}
	if m.run, err = tarhead.Append(m.run, h); errors.Is(err, tarhead.ErrTooLong) {
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	if err != nil || h.Size == 0 {
		return err
	}
	if e.File == "" {
		return fmt.Errorf("%d bytes of content, and no file that has them", h.Size)
	}
	m.content = extent{name: e.File, size: h.Size, length: h.Size}
	m.padding = -h.Size & (blockSize - 1)
	if e.Digest == "" {
		return nil
	}
	switch err := e.Digest.Validate(); {
	case err == nil && e.Digest.Algorithm() == digest.SHA256:
		m.content.sum = sum{known: true, sha: e.Digest}
	case err != nil && m.check && !errors.Is(err, digest.ErrDigestUnsupported):
		return fmt.Errorf("digest %q: %w", e.Digest, err)
	}
	return nil
}

// newHeader is what is written of an entry.
func newHeader(e *Entry) (*tarhead.Header, error) {
	h := &tarhead.Header{
		Name:    e.Name,
		Type:    e.Type,
		Mode:    e.Mode,
		UID:     e.UID,
		GID:     e.GID,
		Uname:   e.Uname,
		Gname:   e.Gname,
		ModTime: e.ModTime,
		Xattrs:  e.Xattrs,
		PAX:     e.PAX,
	}
	switch e.Type {
	case '0':
		if h.Size = e.Size; e.Sparse != nil {
			h.Size = e.Sparse.Size
		}
	case '1', '2':
		h.Linkname = e.Linkname
	case '3', '4':
		h.Devmajor, h.Devminor = e.Devmajor, e.Devminor
	case '5', '6':
	default:
		return nil, fmt.Errorf("type %q cannot be written", e.Type)
	}
	if strings.HasSuffix(e.Name, "/") && strings.IndexByte("0346", e.Type) >= 0 {
		return nil, errors.New("a name that ends in a slash, which readers take for a directory's")
	}
	return h, nil
}
