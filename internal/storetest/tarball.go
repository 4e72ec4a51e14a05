package storetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"time"
)

// tarball makes the tar of a layer; mtime is for entries that have no time.
func (l *Layer) tarball(mtime time.Time) ([]byte, error) {
	if l.Tar != nil {
		if len(l.Entries) > 0 {
			return nil, fmt.Errorf("both tar and entries")
		}
		return l.Tar, nil
	}
	format := l.Format
	if format == tar.FormatUnknown {
		format = tar.FormatPAX
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	seen := map[string]tar.Header{}
	for _, e := range l.Entries {
		h := e.Header
		if h.Typeflag == tar.TypeXGlobalHeader {
			h.Format = tar.FormatPAX
		} else {
			h.Format = format
			completeHeader(&h, e.Content, seen, mtime)
		}
		if err := w.WriteHeader(&h); err != nil {
			return nil, fmt.Errorf("entry %q: %w", e.Name, err)
		}
		if _, err := w.Write(e.Content); err != nil {
			return nil, fmt.Errorf("entry %q: %w", e.Name, err)
		}
		seen[place(h.Name)] = h
	}
	end := w.Close
	if l.NoEnd {
		end = w.Flush
	}
	if err := end(); err != nil {
		return nil, err
	}
	b.WriteString(l.Tail)
	return b.Bytes(), nil
}

// completeHeader fills in what a spec leaves out.
func completeHeader(h *tar.Header, content []byte, seen map[string]tar.Header, mtime time.Time) {
	if len(content) > 0 {
		h.Size = int64(len(content))
	}
	if target, ok := seen[place(h.Linkname)]; ok && h.Typeflag == tar.TypeLink && h.Mode == 0 {
		h.Mode, h.Uid, h.Gid = target.Mode, target.Uid, target.Gid
		h.Uname, h.Gname = target.Uname, target.Gname
		if h.ModTime.IsZero() {
			h.ModTime = target.ModTime
		}
	}
	if h.ModTime.IsZero() {
		h.ModTime = mtime
	}
}
