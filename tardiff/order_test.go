package tardiff

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// increasing is the length of the longest increasing subsequence, found in the plain
// way.
func increasing(list []int) int {
	best := make([]int, len(list))
	most := 0
	for i, x := range list {
		for k := range i {
			if list[k] < x {
				best[i] = max(best[i], best[k])
			}
		}
		best[i]++
		most = max(most, best[i])
	}
	return most
}

// TestOrder: what did not move is in the same order, and nothing could be added to it,
// for any two lists; also when almost all is settled on the way.
func TestOrder(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		a, b := shuffled(rnd, 2+rnd.IntN(40))
		list, _, err := all(t, bytes.NewReader(tarOf(t, named(a)...)), bytes.NewReader(tarOf(t, named(b)...)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var common []int // of b, the places in a
		for _, x := range b {
			if i := slices.Index(a, x); i >= 0 {
				common = append(common, i)
			}
		}
		moved := map[int]bool{}
		missing, extra := len(a)-len(common), len(b)-len(common)
		for _, d := range list {
			switch d.Kind {
			case KindMoved:
				if fmt.Sprint(a[d.A.Entry]) != d.Name || fmt.Sprint(b[d.B.Entry]) != d.Name {
					t.Errorf("round %d: %s", round, brief(d))
				}
				moved[int(d.A.Entry)] = true
			case KindMissing:
				missing--
			case KindExtra:
				extra--
			default:
				t.Errorf("round %d: %s", round, brief(d))
			}
		}
		if missing != 0 || extra != 0 {
			t.Errorf("round %d: %d missing, %d extra too few", round, missing, extra)
		}
		stay := slices.DeleteFunc(slices.Clone(common), func(i int) bool { return moved[i] })
		if !slices.IsSorted(stay) || len(stay) != increasing(common) {
			t.Errorf("round %d: %v to %v: %d moved, %d are enough", round, a, b, len(moved), len(common)-increasing(common))
		}
	}
}

// shuffled makes a list, and another with blocks moved, some taken out and some put in.
func shuffled(rnd *rand.Rand, n int) (a, b []int) {
	for i := range n {
		a = append(a, i)
	}
	b = slices.Clone(a)
	for range rnd.IntN(5) {
		from := rnd.IntN(len(b))
		block := slices.Clone(b[from:min(from+1+rnd.IntN(8), len(b))])
		b = slices.Delete(b, from, from+len(block))
		switch rnd.IntN(4) {
		case 0: // gone
			if len(b) == 0 {
				b = append(b, 1000)
			}
		case 1: // new
			for i := range block {
				block[i] = 2000 + rnd.IntN(1000)
				for slices.Contains(b, block[i]) || slices.Contains(block[:i], block[i]) {
					block[i]++
				}
			}
			fallthrough
		default:
			b = slices.Insert(b, rnd.IntN(len(b)+1), block...)
		}
	}
	return a, b
}

func named(list []int) (names []string) {
	for _, x := range list {
		names = append(names, fmt.Sprint(x))
	}
	return names
}

// TestQueue: of several with one name the first goes first.
func TestQueue(t *testing.T) {
	t.Parallel()
	var q queue
	for i, name := range []string{"a", "b", "a", "a", "c", "a"} {
		q.add(&waiting{name: name, number: int64(i)})
	}
	var got []int64
	for range 3 {
		got = append(got, q.take("a").number)
	}
	q.add(&waiting{name: "a", number: 6})
	q.add(&waiting{name: "a", number: 7})
	got = append(got, q.take("a").number)
	for _, w := range q.all() {
		got = append(got, w.number)
	}
	if want := []int64{0, 2, 3, 5, 1, 4, 6, 7}; !slices.Equal(got, want) || q.n != 4 || q.has("d") {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestAttic: what is kept is little, and the latest.
func TestAttic(t *testing.T) {
	t.Parallel()
	for _, size := range []int{maxKept, 1} {
		var k attic
		content := make([]byte, size)
		all := make([]waiting, 3*maxInAttic)
		for i := range all {
			k.add(&all[i], content)
			if i%3 == 0 {
				k.drop(&all[i])
			}
		}
		kept := 0
		for i := range all {
			kept += len(all[i].kept)
		}
		if kept != k.size || kept > maxAttic || len(k.list) > maxInAttic || all[len(all)-1].kept == nil {
			t.Errorf("%d bytes in %d entries, counted %d", kept, len(k.list), k.size)
		}
	}
}

// TestBudget: what is forgotten counts no more.
func TestBudget(t *testing.T) {
	t.Parallel()
	var names, swapped []string
	for i := range 400 {
		names = append(names, fmt.Sprint(i))
		swapped = append(swapped, fmt.Sprint(i^1))
	}
	list, _, err := all(t, streamOnly(tarOf(t, names...)), streamOnly(tarOf(t, swapped...)), Options{MaxEntries: 10})
	if err != nil || len(list) != 200 {
		t.Errorf("%d differences, error %v", len(list), err)
	}
	b := budget{limit: 10}
	o := order{budget: &b}
	for i := range int64(100) {
		if err := o.add(i+3, i, place{}, lockstep, 3); err != nil {
			t.Fatal(err)
		}
	}
	if b.used != 1 {
		t.Errorf("%d remembered", b.used)
	}
	o.settle()
	if b.used != 0 {
		t.Errorf("%d remembered after all", b.used)
	}
}

// TestPack: what was packed comes back, and zeros are gone.
func TestPack(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		p := make([]byte, rnd.IntN(2000))
		for range rnd.IntN(100) {
			if len(p) > 0 {
				p[rnd.IntN(len(p))] = byte(rnd.Int())
			}
		}
		cut := rnd.IntN(len(p) + 1)
		packed := pack(p[:cut], p[cut:])
		if got := unpack(packed); !bytes.Equal(got, p) {
			t.Fatalf("%x packed is %x, unpacked %x", p, packed, got)
		}
	}
	if n := len(pack(tarOf(t, "name")[:blockSize])); n > 150 {
		t.Errorf("a header takes %d bytes", n)
	}
}
