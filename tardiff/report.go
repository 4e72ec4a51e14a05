package tardiff

import "bytes"

// heads reports how the heads of two entries differ.
func (r *run) heads(name string, a, b *entry) {
	h := heads{name: name, a: a, b: b, report: r.report, halt: r.stopped}
	h.compare()
}

// paddings reports how what fills up the last block of contents differs. How long it
// is follows from the size, so that zeros are equal to zeros if sizes differ.
func (r *run) paddings(a, b *entry) {
	if bytes.Equal(a.pad, b.pad) || (a.size != b.size && blank(a.pad) && blank(b.pad)) {
		return
	}
	at := firstDifference(a.pad, b.pad)
	d := Difference{
		Kind: KindPadding, Name: a.name, ContentOffset: -1,
		A: Side{Offset: a.content + a.size + int64(at), Entry: a.number},
		B: Side{Offset: b.content + b.size + int64(at), Entry: b.number},
	}
	d.cut(string(a.pad[at:]), string(b.pad[at:]))
	r.report(d)
}

func blank(p []byte) bool { return bytes.Equal(p, zeros[:len(p)]) }

// alone reports an entry that one archive lacks.
func (r *run) alone(kind Kind, side int, name string, start, number int64) {
	d := Difference{Kind: kind, Name: name, ContentOffset: -1, A: nothing(), B: nothing()}
	*[2]*Side{&d.A, &d.B}[side] = Side{Offset: start, Entry: number}
	r.report(d)
}

// pair takes note of the order, and reports what moved if that is settled.
func (r *run) pair(a, b *entry, side by) error {
	waiting := max(r.wait[0].n, r.wait[1].n)
	if err := r.order.add(a.number, b.number, place{a.name, a.start, b.start}, side, waiting); err != nil {
		return err
	}
	if waiting == 0 {
		r.settle()
	}
	return nil
}

func (r *run) settle() {
	for _, p := range r.order.settle() {
		r.report(Difference{Kind: KindMoved, Name: p.name, ContentOffset: -1, A: p.a, B: p.b})
	}
}

// acceptHeads tells the ledger of what describes the present entries.
func (r *run) acceptHeads() { r.accept(r.s[0].entry.head, r.s[1].entry.head) }

// accept tells the ledger of the bytes that come next in both archives.
func (r *run) accept(a, b []byte) {
	if bytes.Equal(a, b) {
		r.ledger.both(a)
		return
	}
	r.ledger.one(0, a)
	r.ledger.one(1, b)
}

func (r *run) summary(complete bool) Summary {
	s := Summary{Complete: complete, Differences: r.found}
	for side, to := range [2]*Archive{&s.A, &s.B} {
		*to = Archive{Entries: r.s[side].count, Size: r.s[side].pos}
		if complete {
			to.Digest = r.ledger.digest(side)
		}
	}
	return s
}
