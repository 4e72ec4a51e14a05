package tardiff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
)

// How many of the first bytes that differ are shown.
const shown = 16

// contents compares the contents of two entries that the streams have both reached.
func (r *run) contents(ctx context.Context) error {
	a, b := r.s[0], r.s[1]
	left := [2]int64{a.entry.size, b.entry.size}
	for left[0] > 0 && left[1] > 0 {
		p, err := a.content(ctx, left[0])
		if err != nil {
			return err
		}
		q, err := b.content(ctx, left[1])
		if err != nil {
			return err
		}
		n := min(len(p), len(q))
		same := bytes.Equal(p[:n], q[:n])
		if !same {
			n = upToDifference(p, q)
		}
		r.ledger.both(p[:n])
		a.take(n)
		b.take(n)
		left[0] -= int64(n)
		left[1] -= int64(n)
		if !same {
			break
		}
	}
	if left == [2]int64{} {
		return nil
	}
	var values [2]string
	for side, s := range r.s {
		p, err := s.peek(ctx, min(left[side], shown))
		if err != nil {
			return err
		}
		values[side] = string(p)
	}
	r.differ(&a.entry, &b.entry, a.entry.size-left[0], values)
	for side := range r.s {
		if err := r.skip(ctx, side, left[side], nil); err != nil {
			return err
		}
	}
	return nil
}

// peek shows n bytes of content, without taking them.
func (s *stream) peek(ctx context.Context, n int64) ([]byte, error) {
	if err := s.fill(ctx, int(n)); err != nil {
		return nil, err
	}
	p, err := s.content(ctx, n)
	return p, err
}

// differ reports where contents begin to differ. Entries are A's and B's.
func (r *run) differ(a, b *entry, at int64, values [2]string) {
	d := Difference{
		Kind: KindContent, Name: a.name, ContentOffset: at,
		A: Side{Offset: a.content + at, Entry: a.number},
		B: Side{Offset: b.content + at, Entry: b.number},
	}
	d.cut(values[0], values[1])
	r.report(d)
}

// skip passes over n bytes of content that are in one archive only, or not at that
// place in the other. If w is not nil they are written to it.
func (r *run) skip(ctx context.Context, side int, n int64, w hash.Hash) error {
	s := r.s[side]
	for n > 0 {
		p, err := s.content(ctx, n)
		if err != nil {
			return err
		}
		if w != nil {
			w.Write(p)
		}
		r.ledger.one(side, p)
		s.take(len(p))
		n -= int64(len(p))
	}
	return nil
}

// twinContents compares the content that stream side has reached with that of an
// entry which waited in the other archive.
func (r *run) twinContents(ctx context.Context, side int, w *waiting, a, b *entry) error {
	s, other := r.s[side], r.s[1-side]
	if w.kept == nil && w.size > 0 && other.again == nil {
		return r.digests(ctx, side, w, a, b)
	}
	size := s.entry.size
	at := int64(0)
	for at < size && at < w.size {
		p, err := s.content(ctx, size-at)
		if err != nil {
			return err
		}
		q, err := r.earlier(other, w, at, int64(len(p)))
		if err != nil {
			return err
		}
		n := min(len(p), len(q))
		same := bytes.Equal(p[:n], q[:n])
		if !same {
			n = upToDifference(p, q)
		}
		r.ledger.one(side, p[:n])
		s.take(n)
		if at += int64(n); !same {
			break
		}
	}
	if size == w.size && at == size {
		return nil
	}
	p, err := s.peek(ctx, min(size-at, shown))
	if err != nil {
		return err
	}
	q, err := r.earlier(other, w, at, min(w.size-at, shown))
	if err != nil {
		return err
	}
	var values [2]string
	values[side], values[1-side] = string(p), string(q)
	r.differ(a, b, at, values)
	return r.skip(ctx, side, size-at, nil)
}

// earlier shows n bytes or fewer of the content of an entry that was passed.
func (r *run) earlier(s *stream, w *waiting, at, n int64) ([]byte, error) {
	n = min(n, w.size-at)
	if n == 0 {
		return nil, nil
	}
	if w.kept != nil {
		return w.kept[at : at+n], nil
	}
	p, err := s.again.read(w.content+at, n)
	if err != nil {
		return nil, s.bad(w.content+at, fmt.Errorf("read again: %w", err))
	}
	return p, nil
}

// digests is twinContents for an entry of which nothing but that is left.
func (r *run) digests(ctx context.Context, side int, w *waiting, a, b *entry) error {
	h := sha256.New()
	if err := r.skip(ctx, side, r.s[side].entry.size, h); err != nil {
		return err
	}
	var sums [2]string
	sums[side], sums[1-side] = fmt.Sprintf("%x", h.Sum(nil)), fmt.Sprintf("%x", w.sum)
	if sums[0] == sums[1] {
		return nil
	}
	d := Difference{
		Kind: KindContent, Name: a.name, Field: "sha256", ContentOffset: -1,
		A: Side{Offset: a.content, Entry: a.number},
		B: Side{Offset: b.content, Entry: b.number},
	}
	d.cut(sums[0], sums[1])
	r.report(d)
	return nil
}

// remember passes over the content of the present entry, and keeps in w what is
// needed to compare it later.
func (r *run) remember(ctx context.Context, side int, w *waiting) error {
	s := r.s[side]
	switch {
	case s.again != nil || w.size == 0:
		return r.skip(ctx, side, w.size, nil)
	case w.size <= maxKept:
		p, err := s.peek(ctx, w.size)
		if err != nil {
			return err
		}
		if int64(len(p)) == w.size {
			w.sum = sha256.Sum256(p)
			r.attic.add(w, bytes.Clone(p))
		}
		return r.skip(ctx, side, w.size, nil)
	}
	h := sha256.New()
	if err := r.skip(ctx, side, w.size, h); err != nil {
		return err
	}
	h.Sum(w.sum[:0])
	return nil
}
