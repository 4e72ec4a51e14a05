package tarhead

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// maxGlobals bounds what the records of global headers take in memory, and maxXattrs
// the attributes among them that count, which entries with attributes of their own
// copy; in bytes. The latter are about as much as ext4 has room for on one file.
const (
	maxGlobals = 4 * maxExtension
	maxXattrs  = 4 << 10
)

// globals are the records of PAX global headers: they count for all entries behind
// them, until another one says otherwise (POSIX pax, "pax Header Block"). Those that
// can only be meant for one file do not count: path, linkpath, size, and GNU.sparse.*.
type globals struct {
	pax
	size   int  // bytes that have been added
	xattrs int  // bytes of the attributes that count now
	shared bool // entries have pax.xattrs: it must not change
}

// add takes the records of one more global header.
func (g *globals) add(data string) error {
	if g.size += len(data); g.size > maxGlobals {
		return fmt.Errorf("%w: global headers of %d bytes", ErrTooLong, g.size)
	}
	for data != "" {
		key, value, rest, err := Record(data)
		if err != nil {
			return err
		}
		data = rest
		name, isXattr := strings.CutPrefix(key, xattrPrefix)
		i, known := places[key]
		switch {
		case isXattr:
			if err := g.attribute(name, value); err != nil {
				return err
			}
		case known && i != paxPath && i != paxLinkpath && i != paxSize && i < sparseMajor:
			g.known[i] = value
		}
	}
	return nil
}

// attribute takes an attribute, in a map of its own if entries have the present one.
func (g *globals) attribute(name, value string) error {
	if g.shared {
		g.pax.xattrs, g.shared = maps.Clone(g.pax.xattrs), false
	}
	if before, again := g.pax.xattrs[name]; again {
		g.xattrs -= len(name) + len(before)
	}
	if g.xattrs += len(name) + len(value); g.xattrs > maxXattrs {
		return fmt.Errorf("%w: global attributes of more than %d bytes", ErrTooLong, maxXattrs)
	}
	put(&g.pax.xattrs, name, value)
	return nil
}

// apply changes h as the records say, before its own extensions do; those are nil if
// there are none. What is no number is passed over: a reader that ignores global
// headers, as the one that wrote the recipe, has not refused it.
func (g *globals) apply(h *Header, own *pax) {
	if g.size == 0 {
		return
	}
	text := func(i int, to *string) {
		if own == nil || !own.cleared[i] {
			g.text(i, to)
		}
	}
	number := func(i int, to *int64) {
		if before := *to; own == nil || !own.cleared[i] {
			if g.number(i, to) != nil {
				*to = before
			}
		}
	}
	text(paxUname, &h.Uname)
	text(paxGname, &h.Gname)
	number(paxUID, &h.UID)
	number(paxGID, &h.GID)
	moment := func(i int, to *time.Time) {
		if own == nil || !own.cleared[i] {
			_ = g.time(i, to) // leaves it alone if it is none
		}
	}
	moment(paxMtime, &h.ModTime)
	moment(paxAtime, &h.AccessTime)
	moment(paxCtime, &h.ChangeTime)
	if h.Xattrs = g.pax.xattrs; h.Xattrs != nil { // see pax.apply
		g.shared = true
	}
}
