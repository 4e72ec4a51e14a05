package tardiff

import (
	"context"
	"errors"
	"io"
	"iter"
)

// DefaultMaxEntries is what Options.MaxEntries is if it is 0.
const DefaultMaxEntries = 1 << 20

// Options for Compare. The zero value is ready to use.
type Options struct {
	// MaxEntries is how many entries may be remembered at a time: because they wait
	// for their twin, or because it is not known yet whether they moved. Each takes
	// some 500 bytes, and up to 1.3 KiB if its headers are full; one with longer headers
	// counts for several. Archives whose entries come in the same order need none,
	// however many they have. 0 means DefaultMaxEntries; more entries are an error that
	// matches ErrLimit.
	MaxEntries int
	// Digests asks for the SHA-256 of both archives in the Summary. Equal archives
	// are hashed once, together.
	Digests bool
	// Summary, if not nil, is set when the iteration ends, in whatever way.
	Summary *Summary
}

// Compare iterates over the differences between two uncompressed tar archives (see
// [Decompress]), which it reads once, to their end, and does not close. Differences of
// one entry follow each other; moved and missing entries may come long after their
// neighbours. The iterator is for one use.
//
// A pair is (difference, nil) or (zero, err), and after an error the iteration ends:
// an [*ArchiveError] about the archive that is damaged, or cannot be read; one that
// matches [ErrLimit]; or the context's. What was found by then has been yielded. A
// break leaves the archives where they are. Differences may be kept.
//
// If a reader is also an io.Seeker and io.ReaderAt, and not a pipe or device (an
// [*os.File], a [*bytes.Reader]), entries that moved are read again where they lie, so
// that the first byte that differs can be told; the file must not change meanwhile.
// Else they may be compared by digest: see Difference.Field.
//
// A and b must not share a read position.
func Compare(ctx context.Context, a, b io.Reader, opts Options) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		limit := opts.MaxEntries
		if limit <= 0 {
			limit = DefaultMaxEntries
		}
		r := &run{
			s:      [2]*stream{newStream("A", a), newStream("B", b)},
			ledger: newLedger(opts.Digests),
			budget: budget{limit: limit},
			yield:  yield,
		}
		r.order.budget = &r.budget
		err := r.all(ctx)
		if opts.Summary != nil {
			*opts.Summary = r.summary(err == nil && !r.stopped)
		}
		if err != nil && !r.stopped {
			yield(Difference{}, err)
		}
	}
}

// run is one comparison. Index 0 is archive A, 1 is B.
type run struct {
	s      [2]*stream
	wait   [2]queue
	order  order
	ledger *ledger
	budget budget
	attic  attic

	turn    int // whose entry waits next
	found   int64
	yield   func(Difference, error) bool
	stopped bool // the caller wants no more
}

func (r *run) report(d Difference) bool {
	if !r.stopped {
		r.found++
		r.stopped = !r.yield(d, nil)
	}
	return !r.stopped
}

// all compares everything.
func (r *run) all(ctx context.Context) error {
	if err := errors.Join(r.s[0].next(ctx), r.s[1].next(ctx)); err != nil {
		return err
	}
	for !r.stopped && !(r.s[0].ended && r.s[1].ended) {
		if err := r.step(ctx); err != nil {
			return err
		}
	}
	for side, kind := range [2]Kind{KindMissing, KindExtra} {
		if r.stopped {
			return nil
		}
		for _, w := range r.wait[side].all() {
			r.alone(kind, side, w.name, w.start, w.number)
		}
	}
	r.settle()
	if r.stopped {
		return nil
	}
	if err := r.trailers(ctx); err != nil || r.stopped {
		return err
	}
	if same := r.ledger.equal(r.s[0].pos, r.s[1].pos); !same && r.found == 0 {
		r.report(Difference{Kind: KindStream, ContentOffset: -1, A: nothing(), B: nothing()})
	}
	return nil
}

// step deals with the present entry of one archive, or of both.
func (r *run) step(ctx context.Context) error {
	a, b := r.s[0], r.s[1]
	switch {
	// Of several entries with one name the n-th belong together, so that those which
	// wait come first.
	case !b.ended && r.wait[0].has(b.entry.name):
		return r.twin(ctx, 1)
	case !a.ended && r.wait[1].has(a.entry.name):
		return r.twin(ctx, 0)
	case a.ended:
		return r.drop(ctx, 1, KindExtra)
	case b.ended:
		return r.drop(ctx, 0, KindMissing)
	case a.entry.name == b.entry.name:
		return r.both(ctx)
	}
	// Taking turns: whichever archive has more entries here, the streams meet again
	// when as many have been passed in each.
	side := r.turn
	r.turn = 1 - side
	return r.pass(ctx, side)
}

// both compares the present entries, which belong together.
func (r *run) both(ctx context.Context) error {
	a, b := r.s[0], r.s[1]
	r.heads(a.entry.name, &a.entry, &b.entry)
	r.acceptHeads()
	if r.stopped {
		return nil
	}
	if err := r.contents(ctx); err != nil || r.stopped {
		return err
	}
	p, err := a.padding(ctx)
	if err != nil {
		return err
	}
	q, err := b.padding(ctx)
	if err != nil {
		return err
	}
	r.paddings(&a.entry, &b.entry)
	r.accept(p, q)
	if err := r.pair(&a.entry, &b.entry, lockstep); err != nil {
		return err
	}
	return errors.Join(a.next(ctx), b.next(ctx))
}

// twin compares the present entry of one archive with one that has waited.
func (r *run) twin(ctx context.Context, side int) error {
	s := r.s[side]
	w := r.wait[1-side].take(s.entry.name)
	r.budget.release(w.cost)
	defer r.attic.drop(w)
	earlier := w.unpack()
	a, b := &s.entry, &earlier
	if side == 1 {
		a, b = b, a
	}
	r.heads(s.entry.name, a, b)
	r.ledger.one(side, s.entry.head)
	if r.stopped {
		return nil
	}
	if err := r.twinContents(ctx, side, w, a, b); err != nil || r.stopped {
		return err
	}
	p, err := s.padding(ctx)
	if err != nil {
		return err
	}
	r.paddings(a, b)
	r.ledger.one(side, p)
	if err := r.pair(a, b, twin); err != nil {
		return err
	}
	return s.next(ctx)
}

// pass lets the present entry of one archive wait.
func (r *run) pass(ctx context.Context, side int) error {
	s := r.s[side]
	e := &s.entry
	w := &waiting{name: e.name, number: e.number, start: e.start, content: e.content, size: e.size, head: len(e.head)}
	r.ledger.one(side, e.head)
	if err := r.remember(ctx, side, w); err != nil {
		return err
	}
	p, err := s.padding(ctx)
	if err != nil {
		return err
	}
	r.ledger.one(side, p)
	w.packed = pack(e.head, p)
	w.cost = 1 + (len(w.packed)+len(w.name))/costSize
	if err := r.budget.take(w.cost); err != nil {
		return err
	}
	r.wait[side].add(w)
	return s.next(ctx)
}

// drop passes over an entry whose twin cannot come any more.
func (r *run) drop(ctx context.Context, side int, kind Kind) error {
	s := r.s[side]
	r.alone(kind, side, s.entry.name, s.entry.start, s.entry.number)
	r.ledger.one(side, s.entry.head)
	if r.stopped {
		return nil
	}
	if err := r.skip(ctx, side, s.entry.size, nil); err != nil {
		return err
	}
	p, err := s.padding(ctx)
	if err != nil {
		return err
	}
	r.ledger.one(side, p)
	return s.next(ctx)
}
