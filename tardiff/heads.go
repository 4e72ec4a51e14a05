package tardiff

import "bytes"

// heads compares what describes two entries, or what is left of that at the end of
// an archive.
type heads struct {
	name   string
	a, b   *entry
	n      int // differences that were found
	report func(Difference) bool
	halt   bool // report wants no more
}

// none is for a side that has nothing to show.
const none = -1

// add reports d, at offsets in the heads.
func (h *heads) add(d Difference, atA, atB int, a, b string) {
	h.n++
	if h.halt {
		return
	}
	d.Name, d.ContentOffset = h.name, -1
	d.A, d.B = h.side(h.a, atA), h.side(h.b, atB)
	d.cut(a, b)
	h.halt = !h.report(d)
}

func (h *heads) side(e *entry, at int) Side {
	if at == none {
		return nothing()
	}
	return Side{Offset: e.start + int64(at), Entry: e.number}
}

// compare finds all differences. Where bytes differ and nothing else was found, that
// is one.
func (h *heads) compare() {
	if bytes.Equal(h.a.head, h.b.head) {
		return
	}
	a, b := split(h.a.head), split(h.b.head)
	others, seen := byRecord(b), map[string]int{}
	for _, p := range a {
		n := seen[p.record]
		seen[p.record]++
		if n < len(others[p.record]) {
			h.parts(p, others[p.record][n])
		} else {
			h.alone(p, true)
		}
		if h.halt {
			return
		}
	}
	for _, p := range b {
		if seen[p.record]--; seen[p.record] < 0 && !h.halt {
			h.alone(p, false)
		}
	}
	if h.n == 0 {
		at := firstDifference(h.a.head, h.b.head)
		from := max(at-lead, 0)
		h.add(Difference{Kind: KindEncoding}, at, at, piece(h.a.head, from), piece(h.b.head, from))
	}
}

func piece(p []byte, from int) string { return string(p[from:min(from+maxValue, len(p))]) }

// parts compares two of one sort.
func (h *heads) parts(a, b part) {
	h.blocks(a, b)
	dataA, dataB := a.at+blockSize, b.at+blockSize
	if !bytes.Equal(a.data, b.data) {
		d := Difference{Kind: KindRecord, Record: a.record}
		switch a.record {
		case "pax", "global":
			h.records(a, b)
		case "longname", "longlink":
			v, w := text(a.data), text(b.data)
			if v == w {
				d.Kind, v, w = KindEncoding, string(a.data), string(b.data)
			}
			h.add(d, dataA, dataB, v, w)
		default:
			h.maps(a, b)
		}
	}
	if !bytes.Equal(a.pad, b.pad) && len(a.data) == len(b.data) {
		at := firstDifference(a.pad, b.pad)
		h.add(Difference{Kind: KindPadding, Record: a.record},
			dataA+len(a.data)+at, dataB+len(b.data)+at, string(a.pad[at:]), string(b.pad[at:]))
	}
}

// alone reports an extension that the other archive has not: of PAX headers each
// record.
func (h *heads) alone(p part, inA bool) {
	if p.record == "" {
		return // an archive that ends before a header has no entry to compare
	}
	report := func(field, value string) {
		d := Difference{Kind: KindRecord, Record: p.record, Field: field}
		if inA {
			h.add(d, p.at, none, value, "")
		} else {
			h.add(d, none, p.at, "", value)
		}
	}
	if p.record == "longname" || p.record == "longlink" {
		report("", text(p.data))
		return
	}
	list, ok := records(string(p.data))
	if !ok || len(list.keys) == 0 {
		report("", string(p.data))
		return
	}
	for _, key := range list.keys {
		if h.halt {
			return
		}
		report(key, list.values[key])
	}
}

// maps compares blocks of sparse maps, behind a header.
func (h *heads) maps(a, b part) {
	v, w := mapOf(a.data), mapOf(b.data)
	d := Difference{Kind: KindRecord, Record: "sparse"}
	if v == w {
		d.Kind, v, w = KindEncoding, string(a.data), string(b.data)
	}
	atA, atB := a.at+blockSize, b.at+blockSize
	if len(a.data) == 0 {
		atA = none
	}
	if len(b.data) == 0 {
		atB = none
	}
	h.add(d, atA, atB, v, w)
}

func mapOf(data []byte) string {
	var all []byte
	for ; len(data) >= blockSize; data = data[blockSize:] {
		if len(all) > 0 {
			all = append(all, ' ')
		}
		all = append(all, fragmentsIn(data[:504])...)
	}
	return string(all)
}
