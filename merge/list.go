package merge

import "strings"

const (
	listChunk = 1 << 10
	textShift = 15
	textChunk = 1 << textShift
)

// A list grows in pieces that are not moved, so that it needs no memory twice, and
// not much more than it has values. Pointers from at are valid until the next add.
type list[T any] struct {
	chunks [][]T
	n      int
}

func (l *list[T]) add(v T) uint32 {
	switch {
	case l.n == 0: // may stay short: this one grows as slices do
		l.chunks = append(l.chunks, nil)
	case l.n%listChunk == 0:
		l.chunks = append(l.chunks, make([]T, 0, listChunk))
	}
	last := &l.chunks[len(l.chunks)-1]
	*last = append(*last, v)
	l.n++
	return uint32(l.n - 1)
}

func (l *list[T]) at(i uint32) *T { return &l.chunks[i/listChunk][i%listChunk] }

// texts keeps strings of at most maxPath bytes, one behind the other, without a
// header and an allocation for each.
type texts struct {
	chunks []*strings.Builder // none outgrows its first allocation
}

// newTexts returns texts in which place 0 is that of nothing.
func newTexts() texts {
	var x texts
	x.grow().WriteByte(0)
	return x
}

// add returns the place of s.
func (x *texts) add(s string) uint32 {
	last := x.chunks[len(x.chunks)-1]
	if last.Len()+len(s) > textChunk {
		last = x.grow()
	}
	place := (len(x.chunks)-1)<<textShift | last.Len()
	last.WriteString(s)
	return uint32(place)
}

func (x *texts) grow() *strings.Builder {
	b := new(strings.Builder)
	b.Grow(textChunk)
	x.chunks = append(x.chunks, b)
	return b
}

// at returns the n bytes at a place, which share the memory of their neighbours.
func (x *texts) at(place uint32, n int) string {
	chunk := x.chunks[place>>textShift].String()
	from := int(place % textChunk)
	return chunk[from : from+n]
}

// addSized keeps the length of s too.
func (x *texts) addSized(s string) uint32 {
	return x.add(string([]byte{byte(len(s)), byte(len(s) >> 8)}) + s)
}

func (x *texts) sized(place uint32) string {
	n := x.at(place, 2)
	return x.at(place+2, int(n[0])|int(n[1])<<8)
}
