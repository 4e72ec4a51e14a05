package tardiff

import (
	"cmp"
	"slices"
)

// pairs are entries of A and B that belong together and follow each other in both:
// the numbers are a, a+1, … and b, b+1, …
type pairs struct {
	a, b  int64
	n     int64
	names []place // of each pair; nil if those are known not to have moved
	cost  int     // in the budget
	side  by
}

// by says how pairs were found.
type by int

const (
	lockstep by = iota // both came at the same time
	twin               // one had waited
)

// order finds out which of the entries that both archives have stand elsewhere: the
// fewest whose removal leaves the same order in both, those outside the longest
// increasing subsequence.
//
// It need not remember much. When nothing waits in either archive, whatever comes
// later is behind all that came before in both: the list is settled. And what came in
// lockstep is settled as soon as it is longer than the number of entries that waited
// meanwhile in either archive: only those could yet be found on the other side of it,
// and it is they who moved then.
type order struct {
	list   []pairs
	budget *budget
}

// add takes note of a pair, while no more than so many entries wait on either side.
func (o *order) add(a, b int64, p place, side by, waiting int) error {
	if waiting == 0 && len(o.list) == 0 {
		return nil
	}
	if n := len(o.list); n > 0 {
		if last := &o.list[n-1]; last.side == side && last.a+last.n == a && last.b+last.n == b {
			last.n++
			if last.names == nil {
				return nil
			}
			if side == lockstep && last.n > int64(waiting) {
				o.budget.release(last.cost - 1)
				last.names, last.cost = nil, 1
				return nil
			}
			last.names = append(last.names, p)
			last.cost += p.cost()
			return o.budget.take(p.cost())
		}
	}
	o.list = append(o.list, pairs{a: a, b: b, n: 1, side: side, names: []place{p}, cost: p.cost()})
	return o.budget.take(p.cost())
}

// place is where an entry stands.
type place struct {
	name string
	a, b int64 // offsets in the archives
}

// cost counts a long name as several entries.
func (p place) cost() int { return 1 + len(p.name)/costSize }

// move is what became of an entry that moved.
type move struct {
	name string
	a, b Side // without a value
}

// settle returns what moved, in A's order, and forgets all.
func (o *order) settle() (moved []move) {
	list := o.list
	if len(list) == 0 {
		return nil
	}
	o.list = nil
	for _, p := range list {
		o.budget.release(p.cost)
	}
	slices.SortFunc(list, func(x, y pairs) int { return cmp.Compare(x.a, y.a) })
	stays := heaviest(list)
	for i, p := range list {
		if stays[i] {
			continue
		}
		for k, at := range p.names {
			moved = append(moved, move{
				at.name,
				Side{Offset: at.a, Entry: p.a + int64(k)},
				Side{Offset: at.b, Entry: p.b + int64(k)},
			})
		}
	}
	return moved
}

// heaviest marks the subsequence that increases in b and has the most pairs in it.
func heaviest(list []pairs) (in []bool) {
	n := len(list)
	in = make([]bool, n)
	rank := make([]int, n) // by b, from 1
	byB := make([]int, n)
	for i := range byB {
		byB[i] = i
	}
	slices.SortFunc(byB, func(i, j int) int { return cmp.Compare(list[i].b, list[j].b) })
	for r, i := range byB {
		rank[i] = r + 1
	}
	// A Fenwick tree over ranks: in each node, which of its elements ends the
	// heaviest subsequence, as an index plus one.
	tree := make([]int, n+1)
	weight := make([]int64, n+1)
	before := make([]int, n+1)
	best := 0
	for i := range list {
		from := 0
		for r := rank[i] - 1; r > 0; r -= r & -r {
			if weight[tree[r]] > weight[from] {
				from = tree[r]
			}
		}
		me := i + 1
		weight[me], before[me] = weight[from]+list[i].n, from
		for r := rank[i]; r <= n; r += r & -r {
			if weight[me] > weight[tree[r]] {
				tree[r] = me
			}
		}
		if weight[me] > weight[best] {
			best = me
		}
	}
	for ; best > 0; best = before[best] {
		in[best-1] = true
	}
	return in
}
