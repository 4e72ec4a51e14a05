package tardiff

import (
	"crypto/sha256"
	"fmt"
	"hash"
)

// ledger is told of every byte of both archives, in order, and so knows for itself
// whether they are equal: if nothing was ever accepted for one of them alone. As long
// as they are, it needs one digest for both.
type ledger struct {
	parted bool
	n      [2]int64
	sum    [2]hash.Hash // nil if no digest is wanted; the first is for both until parted
}

func newLedger(digests bool) *ledger {
	l := &ledger{}
	if digests {
		l.sum[0] = sha256.New()
	}
	return l
}

// both accepts bytes that come next in A and in B.
func (l *ledger) both(p []byte) {
	if l.parted {
		l.one(0, p)
		l.one(1, p)
		return
	}
	l.n[0] += int64(len(p))
	l.n[1] += int64(len(p))
	if l.sum[0] != nil {
		l.sum[0].Write(p)
	}
}

// one accepts bytes that come next in one archive, and are not known to do so in the
// other.
func (l *ledger) one(side int, p []byte) {
	if len(p) == 0 {
		return
	}
	if !l.parted {
		l.parted = true
		if l.sum[0] != nil {
			l.sum[1] = fork(l.sum[0])
		}
	}
	l.n[side] += int64(len(p))
	if l.sum[side] != nil {
		l.sum[side].Write(p)
	}
}

func fork(h hash.Hash) hash.Hash {
	twin, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(err) // SHA-256 of the standard library can be cloned
	}
	return twin.(hash.Hash)
}

// equal reports whether all of both archives, of so many bytes, was found equal.
func (l *ledger) equal(a, b int64) bool {
	return !l.parted && l.n == [2]int64{a, b} && a == b
}

func (l *ledger) digest(side int) string {
	if !l.parted {
		side = 0
	}
	if l.sum[side] == nil {
		return ""
	}
	return fmt.Sprintf("sha256:%x", l.sum[side].Sum(nil))
}
