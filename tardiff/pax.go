package tardiff

import "github.com/cstor-go/cstor/internal/tarhead"

// paxRecords are the records of one PAX header, by key.
type paxRecords struct {
	keys   []string // in order, each once
	values map[string]string
}

// records reads the data of a PAX header. Of records with one key the last counts;
// those of GNU's sparse maps count all (GNU tar manual, "Storing Sparse Files", version
// 0.0).
func records(data string) (r paxRecords, ok bool) {
	r.values = map[string]string{}
	fragments := map[string][]byte{}
	for data != "" {
		key, value, rest, err := tarhead.Record(data)
		if err != nil {
			return r, false
		}
		data = rest
		if _, again := r.values[key]; !again {
			r.keys = append(r.keys, key)
		}
		r.values[key] = value
		if isFragment(key) {
			fragments[key] = append(append(fragments[key], value...), ',')
		}
	}
	for key, list := range fragments {
		r.values[key] = string(list[:len(list)-1])
	}
	return r, true
}

func isFragment(key string) bool {
	return key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes"
}

// records compares two PAX headers' data key by key.
func (h *heads) records(a, b part) {
	atA, atB := a.at+blockSize, b.at+blockSize
	d := Difference{Kind: KindRecord, Record: a.record}
	v, ok := records(string(a.data))
	w, okToo := records(string(b.data))
	if !ok || !okToo {
		h.add(d, atA, atB, string(a.data), string(b.data))
		return
	}
	before := h.n
	for _, key := range v.keys {
		d.Field = key
		switch other, both := w.values[key]; {
		case h.halt:
			return
		case !both:
			h.add(d, atA, none, v.values[key], "")
		case v.values[key] != other:
			h.add(d, atA, atB, v.values[key], other)
		}
	}
	for _, key := range w.keys {
		if _, both := v.values[key]; !both && !h.halt {
			d.Field = key
			h.add(d, none, atB, "", w.values[key])
		}
	}
	if h.n == before {
		h.add(Difference{Kind: KindEncoding, Record: a.record}, atA, atB, string(a.data), string(b.data))
	}
}
