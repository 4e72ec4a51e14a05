package tardiff

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// waiting is an entry that was passed, and whose twin has not come.
type waiting struct {
	name           string
	number, start  int64
	content, size  int64
	packed         []byte // head and padding
	head           int    // length of the head
	sum            [sha256.Size]byte
	kept           []byte // the content, if it is small and came lately; else nil
	shelf          *shelf // in the attic, while something is kept
	cost           int
	next, lastTwin *waiting // of the same name; lastTwin is that of the first one
}

// unpack gives back the entry.
func (w *waiting) unpack() entry {
	both := unpack(w.packed)
	return entry{
		name: w.name, number: w.number, start: w.start, content: w.content, size: w.size,
		head: both[:w.head], pad: both[w.head:],
	}
}

// queue has the entries of one archive that wait, those of one name in their order.
type queue struct {
	names map[string]*waiting
	n     int
}

func (q *queue) has(name string) bool { return q.n > 0 && q.names[name] != nil }

func (q *queue) add(w *waiting) {
	if q.names == nil {
		q.names = map[string]*waiting{}
	}
	q.n++
	if first := q.names[w.name]; first != nil {
		first.lastTwin.next, first.lastTwin = w, w
		return
	}
	q.names[w.name], w.lastTwin = w, w
}

// take removes the first entry of a name that is there.
func (q *queue) take(name string) *waiting {
	w := q.names[name]
	q.n--
	if w.next == nil {
		delete(q.names, name)
	} else {
		w.next.lastTwin = w.lastTwin
		q.names[name] = w.next
	}
	w.next, w.lastTwin = nil, nil
	return w
}

// all are the entries in the order of their archive.
func (q *queue) all() []*waiting {
	list := slices.Collect(maps.Values(q.names))
	for i := 0; i < len(list); i++ {
		if list[i].next != nil {
			list = append(list, list[i].next)
		}
	}
	slices.SortFunc(list, func(a, b *waiting) int { return cmp.Compare(a.number, b.number) })
	return list
}

// costSize is how much of an entry's description counts as another entry.
const costSize = 1 << 10

// budget counts the entries that are remembered.
type budget struct{ used, limit int }

func (b *budget) take(n int) error {
	if b.used += n; b.used > b.limit {
		return fmt.Errorf("%w: more than %d entries to remember, as they have not been met in the other archive or in the same order", ErrLimit, b.limit)
	}
	return nil
}

func (b *budget) release(n int) { b.used -= n }

// attic keeps contents of small entries that wait, the latest ones.
type attic struct {
	list []*shelf
	size int
}

// shelf is a place in the attic; empty once the entry has met its twin, which then is
// not held any longer.
type shelf struct{ *waiting }

const (
	maxKept    = 64 << 10 // bytes of one entry
	maxAttic   = 16 << 20 // of all
	maxInAttic = 4096     // entries
)

func (k *attic) add(w *waiting, content []byte) {
	w.kept, w.shelf = content, &shelf{w}
	k.size += len(content)
	k.list = append(k.list, w.shelf)
	for k.size > maxAttic || len(k.list) > maxInAttic {
		if oldest := k.list[0].waiting; oldest != nil {
			k.drop(oldest)
		}
		k.list[0] = nil
		k.list = k.list[1:]
	}
}

// drop forgets what is kept of w, if anything is.
func (k *attic) drop(w *waiting) {
	k.size -= len(w.kept)
	w.kept = nil
	if w.shelf != nil {
		w.shelf.waiting, w.shelf = nil, nil
	}
}

// pack takes out the runs of zeros, of which blocks of headers mostly consist: a count
// of other bytes, those bytes, a count of zeros, and so on.
func pack(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		for len(p) > 0 {
			n := 0 // bytes up to a run that is worth it
			for n < len(p) && (p[n] != 0 || len(p)-n >= 4 && p[n+1]|p[n+2]|p[n+3] != 0) {
				n++
			}
			b = append(binary.AppendUvarint(b, uint64(n)), p[:n]...)
			p = p[n:]
			n = 0
			for n < len(p) && p[n] == 0 {
				n++
			}
			b = binary.AppendUvarint(b, uint64(n))
			p = p[n:]
		}
	}
	return slices.Clip(b)
}

// unpack is for what pack returned, and nothing else.
func unpack(b []byte) (p []byte) {
	for len(b) > 0 {
		n, k := binary.Uvarint(b)
		p = append(p, b[k:k+int(n)]...)
		b = b[k+int(n):]
		n, k = binary.Uvarint(b)
		p = append(p, make([]byte, n)...)
		b = b[k:]
	}
	return p
}
