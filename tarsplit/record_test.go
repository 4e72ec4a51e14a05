package tarsplit

import (
	"bytes"
	"testing"
)

// FuzzRecord: the direct parser and encoding/json agree on every line that the
// direct parser takes.
func FuzzRecord(f *testing.F) {
	for _, line := range []string{
		segment("abc"), segment(""), file("etc/hostname", "box\n"), file("etc/", ""), file("latin1-\xe9", "x"),
		file("quote\"back\\slash\nline\u2028<&>", "odd"), file("grüße", "hi"),
		`{"type":1,"name":"f","size":18446744073709551616,"position":0}`,
		`{"type":1,"name":"a","name":"b","size":01}`, `{"TYPE":2,"payload":null}`, `{ "type" : 2 }`, `{"type":2,"x":{}}`,
		`{"type":1,"name":"a","name_raw":"Yg=="}`, `{"type":1,"name_raw":"Yg==","name":""}`, `{"type":2,"payload":"YQ==\n"}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var quick, slow record
		ok, err := quick.parsePlain(line)
		if err != nil || !ok {
			return
		}
		if err := slow.parseAny(line); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", line, err)
		}
		if quick.typ != slow.typ || quick.size != slow.size || !bytes.Equal(quick.name, slow.name) || !bytes.Equal(quick.payload, slow.payload) {
			t.Fatalf("%q: %+v, encoding/json %+v", line, quick, slow)
		}
	})
}

func TestPlainLinesTakeTheShortWay(t *testing.T) {
	t.Parallel()
	for _, line := range []string{segment("abc"), file("etc/hostname", "box\n"), file("grüße", "hi"), file("latin1-\xe9", "x")} {
		var r record
		if ok, err := r.parsePlain([]byte(line)); !ok || err != nil {
			t.Errorf("%s: %v %v", line, ok, err)
		}
	}
}
