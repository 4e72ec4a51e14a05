package tarhead

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Records that fields of a Header show, by their place in pax.known.
const (
	paxPath = iota
	paxLinkpath
	paxUname
	paxGname
	paxUID
	paxGID
	paxSize
	paxMtime
	paxAtime
	paxCtime
	sparseMajor // from here on GNU's
	sparseMinor
	sparseName
	sparseSize
	sparseRealSize
	sparseBlocks
	sparseMap
	knownKeys
)

var keys = [knownKeys]string{
	"path", "linkpath", "uname", "gname", "uid", "gid", "size", "mtime", "atime", "ctime",
	"GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.size", "GNU.sparse.realsize",
	"GNU.sparse.numblocks", "GNU.sparse.map",
}

var places = func() map[string]int {
	m := map[string]int{}
	for i, key := range keys {
		m[key] = i
	}
	return m
}()

// xattrPrefix begins the only records that containers-storage takes for extended
// attributes (container-libs storage/pkg/archive/archive.go:PaxSchilyXattr). It
// sets those that are empty, too.
const xattrPrefix = "SCHILY.xattr."

// pax is what the data of an extended header says. Of several records with one key
// the last counts, and one without value counts as none.
type pax struct {
	known [knownKeys]string
	// cleared: the value is empty, which also undoes that of a global header.
	cleared [knownKeys]bool
	xattrs  map[string]string
	other   map[string]string
	listed  bool // the sparse map came in version 0.0, number by number
}

// parse sets p to the records of data, and keeps parts of data.
func (p *pax) parse(data string) error {
	*p = pax{}
	var fragments []string
	for data != "" {
		key, value, rest, err := Record(data)
		if err != nil {
			return err
		}
		data = rest
		if key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes" {
			if (key == "GNU.sparse.offset") != (len(fragments)%2 == 0) || strings.Contains(value, ",") {
				return fmt.Errorf("PAX record %s out of place", key)
			}
			fragments = append(fragments, value)
			continue
		}
		if i, ok := places[key]; ok {
			p.known[i], p.cleared[i] = value, value == ""
			continue
		}
		if name, ok := strings.CutPrefix(key, xattrPrefix); ok {
			put(&p.xattrs, name, value)
		} else if value != "" {
			put(&p.other, key, value)
		} else {
			delete(p.other, key)
		}
	}
	if len(fragments) > 0 {
		p.listed, p.known[sparseMap] = true, strings.Join(fragments, ",")
	}
	return nil
}

func put(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

// Record takes the first record off the data of a PAX header: a decimal length of the
// whole record, a blank, key, equals sign, value, line feed (POSIX pax, "pax Extended
// Header").
func Record(data string) (key, value, rest string, err error) {
	digits, _, ok := strings.Cut(data, " ")
	n, bad := strconv.ParseInt(digits, 10, 64)
	if !ok || bad != nil {
		return "", "", "", errors.New("PAX record without a length")
	}
	start := int64(len(digits)) + 1
	if n <= start || n > int64(len(data)) || data[n-1] != '\n' {
		return "", "", "", fmt.Errorf("PAX record of %d bytes does not end there", n)
	}
	key, value, ok = strings.Cut(data[start:n-1], "=")
	if !ok || key == "" {
		return "", "", "", errors.New("PAX record without a key")
	}
	// Others may hold NULs in their values: extended attributes do.
	checked := key
	if key == "path" || key == "linkpath" || key == "uname" || key == "gname" {
		checked = value
	}
	if strings.IndexByte(checked, 0) >= 0 {
		return "", "", "", fmt.Errorf("PAX record %q with a NUL", key)
	}
	return key, value, data[n:], nil
}

// apply changes h as the records say, but for the sparse ones.
func (p *pax) apply(h *Header) error {
	p.text(paxPath, &h.Name)
	p.text(paxLinkpath, &h.Linkname)
	p.text(paxUname, &h.Uname)
	p.text(paxGname, &h.Gname)
	switch {
	case h.Xattrs == nil:
		h.Xattrs = p.xattrs
	case p.xattrs != nil: // over those of a global header, which other entries have, too
		h.Xattrs = maps.Clone(h.Xattrs)
		maps.Copy(h.Xattrs, p.xattrs)
	}
	if len(p.other) > 0 {
		h.PAX = p.other
	}
	return cmp.Or(
		p.number(paxUID, &h.UID),
		p.number(paxGID, &h.GID),
		p.number(paxSize, &h.Size),
		p.time(paxMtime, &h.ModTime),
		p.time(paxAtime, &h.AccessTime),
		p.time(paxCtime, &h.ChangeTime),
	)
}

func (p *pax) text(i int, to *string) {
	if p.known[i] != "" {
		*to = p.known[i]
	}
}

func (p *pax) number(i int, to *int64) (err error) {
	if v := p.known[i]; v != "" {
		if *to, err = strconv.ParseInt(v, 10, 64); err != nil {
			return bad(i, v)
		}
	}
	return nil
}

func (p *pax) time(i int, to *time.Time) error {
	if v := p.known[i]; v != "" {
		t, ok := paxTime(v)
		if !ok {
			return bad(i, v)
		}
		*to = t
	}
	return nil
}

// bad says that the value of record i is none.
func bad(i int, value string) error {
	return fmt.Errorf("PAX record %s=%.40q is not a number", keys[i], value)
}

// paxTime reads seconds since 1970, perhaps negative, perhaps with a fraction, of
// which it takes nine digits.
func paxTime(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	var nsec int64
	unit := int64(100_000_000)
	for _, c := range []byte(fraction) {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		nsec += int64(c-'0') * unit
		unit /= 10
	}
	if whole[0] == '-' {
		nsec = -nsec
	}
	return time.Unix(sec, nsec).UTC(), true
}
