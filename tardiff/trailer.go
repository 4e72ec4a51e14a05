package tardiff

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"hash"
	"math"
	"strconv"
)

// trailer is what one archive has behind its last entry: zeros, and behind those
// perhaps something that no reader of tars looks at.
type trailer struct {
	start  int64 // in the archive
	zeros  int64
	length int64
	first  []byte    // of what is not zeros
	sum    hash.Hash // of that; nil if there is none
}

func (t *trailer) add(p []byte) {
	t.length += int64(len(p))
	if t.sum == nil {
		n := len(p) - len(bytes.TrimLeft(p, "\x00"))
		t.zeros += int64(n)
		if n == len(p) {
			return
		}
		p, t.sum = p[n:], sha256.New()
	}
	t.first = append(t.first, p[:min(len(p), shown-len(t.first))]...)
	t.sum.Write(p)
}

func (t *trailer) digest() string {
	if t.sum == nil {
		return ""
	}
	return string(t.sum.Sum(nil))
}

// side tells of what is at an offset in t.
func (t *trailer) side(at int64) Side {
	if at >= t.length {
		return nothing()
	}
	return Side{Offset: t.start + at, Entry: -1}
}

// trailers compares what is left when there are no more entries.
func (r *run) trailers(ctx context.Context) error {
	a, b := &r.s[0].entry, &r.s[1].entry
	r.heads("", a, b)
	r.acceptHeads()
	t := [2]trailer{{start: r.s[0].pos}, {start: r.s[1].pos}}
	at := int64(-1) // of the first difference
	var values [2]string
	for !r.stopped {
		p, q, err := r.windows(ctx)
		if err != nil {
			return err
		}
		if len(p) == 0 && len(q) == 0 {
			break
		}
		n := min(len(p), len(q))
		if at < 0 && !bytes.Equal(p[:n], q[:n]) {
			n = upToDifference(p, q)
		}
		if at < 0 && n == 0 { // they differ here, or one ends
			at = t[0].length
			values = [2]string{string(p[:min(shown, len(p))]), string(q[:min(shown, len(q))])}
		}
		if at < 0 && n > 0 {
			r.ledger.both(p[:n])
			t[0].add(p[:n])
			t[1].add(q[:n])
			r.s[0].take(n)
			r.s[1].take(n)
			continue
		}
		for side, p := range [2][]byte{p, q} {
			r.ledger.one(side, p)
			t[side].add(p)
			r.s[side].take(len(p))
		}
	}
	r.tails(&t[0], &t[1], at, values)
	return nil
}

// windows shows what comes next in both archives, enough to be reported if there is.
func (r *run) windows(ctx context.Context) (p, q []byte, err error) {
	if err = cmp.Or(r.s[0].fill(ctx, shown), r.s[1].fill(ctx, shown)); err != nil {
		return nil, nil, err
	}
	p, errA := r.s[0].window(ctx, math.MaxInt64)
	q, errB := r.s[1].window(ctx, math.MaxInt64)
	return p, q, cmp.Or(errA, errB)
}

// tails reports what is different; at is where both first are, one of which may end
// there, and -1 if nothing is.
func (r *run) tails(a, b *trailer, at int64, values [2]string) {
	d := Difference{Kind: KindTrailer, ContentOffset: -1}
	if a.zeros != b.zeros {
		d.Field, d.A, d.B = "zeros", Side{Offset: a.start, Entry: -1}, Side{Offset: b.start, Entry: -1}
		d.cut(strconv.FormatInt(a.zeros, 10), strconv.FormatInt(b.zeros, 10))
		r.report(d)
	}
	if a.digest() == b.digest() {
		return
	}
	d.Field = "data"
	if a.zeros == b.zeros { // the same up to there
		d.A, d.B = a.side(at), b.side(at)
	} else {
		d.A, d.B = a.side(a.zeros), b.side(b.zeros)
		values = [2]string{string(a.first), string(b.first)}
	}
	d.cut(values[0], values[1])
	r.report(d)
}
