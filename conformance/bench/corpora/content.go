package corpora

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// kind of content.
type kind byte

const (
	text   kind = iota // words; compresses about four times
	random             // does not compress
	mixed              // blocks of both in turn, as in programs
)

// block is the length of the runs of one kind in mixed content.
const block = 8 << 10

// content returns size bytes of that kind; the seeds decide which.
func content(k kind, size int64, seed, n uint64) io.Reader {
	var r io.Reader
	switch k {
	case random:
		r = noise(seed, n)
	case mixed:
		r = &alternating{of: [2]io.Reader{noise(seed, n), newWords(seed, n)}}
	default:
		r = newWords(seed, n)
	}
	return io.LimitReader(r, size)
}

func noise(seed, n uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], n)
	return rand.NewChaCha8(key)
}

// alternating yields a block of one reader, then one of the other.
type alternating struct {
	of   [2]io.Reader
	done int64
}

func (a *alternating) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), block-a.done%block)]
	n, err := a.of[a.done/block%2].Read(p)
	a.done += int64(n)
	return n, err
}

// words is endless text: words of a small vocabulary, the few common ones most often (Zipf's law).
type words struct {
	pcg  *rand.PCG
	bits uint64 // four picks of 16 bits
	have int    // picks left in bits
	line int    // words in this line, of which the twelfth is its end
	rest []byte // of the last word
}

func newWords(seed, n uint64) *words { return &words{pcg: rand.NewPCG(seed, n)} }

func (w *words) Read(p []byte) (int, error) {
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	for n < len(p) {
		if w.have == 0 {
			w.bits, w.have = w.pcg.Uint64(), 4
		}
		word := vocabulary[picks[uint16(w.bits)]]
		w.bits, w.have, w.line = w.bits>>16, w.have-1, (w.line+1)%12
		if w.line == 0 {
			word = newline
		}
		m := copy(p[n:], word)
		n, w.rest = n+m, word[m:]
	}
	return n, nil
}

var newline = []byte("\n")

// vocabulary holds the words, each after a space.
var vocabulary = func() [][]byte {
	const letters = "etaoinshrdlucmfwypvbgkjqxz"
	r := rand.New(rand.NewPCG(0, 0))
	all := make([][]byte, 4096)
	for i := range all {
		word := []byte{' '}
		for range 2 + r.IntN(8) {
			// The lesser of two is nearer to the letters that are frequent.
			word = append(word, letters[min(r.IntN(len(letters)), r.IntN(len(letters)))])
		}
		all[i] = word
	}
	return all
}()

// picks maps 16 random bits to a word: word i about 1/(i+1) as often as the first.
var picks = func() (table [1 << 16]uint16) {
	total := 0.0
	for i := range vocabulary {
		total += 1 / float64(i+1)
	}
	sum, next := 0.0, 0
	for i := range vocabulary {
		sum += 1 / float64(i+1)
		for ; next < len(table) && float64(next) < sum/total*float64(len(table)); next++ {
			table[next] = uint16(i)
		}
	}
	for ; next < len(table); next++ {
		table[next] = uint16(len(vocabulary) - 1)
	}
	return table
}()
