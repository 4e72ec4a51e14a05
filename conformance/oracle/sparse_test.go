package oracle

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cstor-go/cstor/internal/tarhead"
)

// sparseEnd returns the header in which a segment at an offset of the tar ends, if it
// has one and that is of a sparse file. TestSeeds and FuzzTar are where tarhead is
// held against tar-split.
func sparseEnd(segment []byte, at int) *tarhead.Header {
	segment = segment[min(-at&511, len(segment)):]
	if !bytes.Contains(segment, []byte("GNU.sparse.")) && !bytes.Contains(segment, []byte("S")) {
		return nil
	}
	var r tarhead.Reader
	var last *tarhead.Header
	for len(segment) > 0 {
		var err error
		if segment, last, err = r.Next(segment); err != nil {
			return nil
		}
	}
	if last == nil || last.Sparse == nil || last.Sparse.Format == "1.0" && last.Size < 512 {
		return nil
	}
	return last
}

// records are blocks of PAX records.
func records(pairs ...string) []byte {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		rest := " " + pairs[i] + "=" + pairs[i+1] + "\n"
		n := len(rest) + 1
		for len(fmt.Sprint(n))+len(rest) != n {
			n++
		}
		fmt.Fprint(&b, n, rest)
	}
	data := append([]byte(b.String()), make([]byte, -b.Len()&511)...)
	return append(entry("x", 'x', int64(b.Len())), data...)
}

// sparse01 is the header of a sparse file with a map of version 0.1, such as "0,3,5,2",
// of which the tar has n bytes.
func sparse01(name, fragments string, size, n int) []byte {
	blocks := 0
	if fragments != "" {
		blocks = (strings.Count(fragments, ",") + 1) / 2
	}
	return append(records("GNU.sparse.major", "0", "GNU.sparse.minor", "1", "GNU.sparse.name", name, "GNU.sparse.size", fmt.Sprint(size),
		"GNU.sparse.numblocks", fmt.Sprint(blocks), "GNU.sparse.map", fragments), entry("GNUSparseFile.0/"+name, '0', int64(n))...)
}

// sparse10 is the header of one whose map stands in front of its data, n bytes with that.
func sparse10(name string, size, n int) []byte {
	return append(records("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", name, "GNU.sparse.realsize", fmt.Sprint(size)),
		entry("GNUSparseFile.0/"+name, '0', int64(n))...)
}

// sparseSeeds are tars with sparse files.
func sparseSeeds() map[string][]byte {
	end := make([]byte, 1024)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	data := func(n int) []byte { return append(bytes.Repeat([]byte("d"), n), make([]byte, -n&511)...) }
	var many []string
	for i := range 3000 {
		many = append(many, fmt.Sprint(4*i), fmt.Sprint(1+i%3))
	}
	zeroZero := append(records("GNU.sparse.size", "20", "GNU.sparse.numblocks", "3", "GNU.sparse.offset", "2", "GNU.sparse.numbytes", "3",
		"GNU.sparse.offset", "9", "GNU.sparse.numbytes", "0", "GNU.sparse.offset", "10", "GNU.sparse.numbytes", "4"), entry("f", '0', 7)...)
	next := join(entry("next", '0', 3), []byte("abc"), end[3:512], end)
	mapped := []byte("2\n0\n3\n8\n2\n")
	return map[string][]byte{
		"sparse, 0.0 by hand":           join(zeroZero, data(7), next),
		"sparse, trailing hole":         join(sparse01("f", "0,3,5,2", 70000, 5), data(5), next),
		"sparse, size and 0":            join(sparse01("f", "0,3,5,2,100,0", 100, 5), data(5), next),
		"sparse, empty fragments":       join(sparse01("f", "0,0,0,3,3,0,5,2,7,0,7,0", 100, 5), data(5), next),
		"sparse, many fragments":        join(sparse01("f", strings.Join(many, ","), 13000, 6000), data(6000), next),
		"sparse, a hole alone":          join(sparse01("f", "100,0", 100, 0), next),
		"sparse, empty map":             join(sparse01("f", "", 100, 0), next),
		"sparse, no holes":              join(sparse01("f", "0,5,5,95", 100, 100), data(100), next),
		"sparse, no length":             join(sparse01("f", "0,0", 0, 5), data(5), next),
		"sparse, nothing":               join(sparse01("f", "", 0, 0), next),
		"sparse, two of them":           join(sparse01("f", "0,3,5,2", 50, 5), data(5), sparse01("g", "1,512", 600, 512), data(512), next),
		"sparse, 1.0":                   join(sparse10("f", 50, 517), mapped, end[len(mapped):512], data(5), next),
		"sparse, 1.0 without data":      join(sparse10("f", 50, 512), []byte("0\n"), end[2:512], next),
		"sparse, 1.0 without length":    join(sparse10("f", 0, 512), []byte("0\n"), end[2:512], next),
		"sparse, 1.0 and then 0.1":      join(sparse10("f", 50, 517), mapped, end[len(mapped):512], data(5), sparse01("g", "1,512", 600, 512), data(512), next),
		"sparse, long name":             join(entry("L", 'L', 4), []byte("long"), end[4:512], sparse01("f", "0,3,5,2", 70, 5), data(5), next),
		"sparse, unknown version":       join(records("GNU.sparse.major", "2", "GNU.sparse.minor", "0"), entry("f", '0', 5), data(5), next),
		"sparse, behind a global":       join(entry("g", 'g', 9), []byte("9 size=3\n"), end[9:512], sparse01("f", "0,3,5,2", 70, 5), data(5), next),
		"sparse, broken padding behind": join(sparse01("f", "0,3,5,2", 70, 5), data(5)[:100]),
	}
}
