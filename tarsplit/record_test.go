package tarsplit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzRecord: what we accept, encoding/json reads likewise, as the reference does.
func FuzzRecord(f *testing.F) {
	for _, line := range []string{
		segment("abc"), segment(""), file("etc/hostname", "box\n"), file("etc/", ""), file("latin1-\xe9", "x"),
		file("quote\"back\\slash\nline\u2028<&>", "odd"), file("grüße", "hi"),
		`{"type":1,"name":"f","size":18446744073709551616,"position":0}`,
		`{"type":1,"name":"a","name":"b","size":01}`, `{"TYPE":2,"payload":null}`, `{ "type" : 2 }`, `{"type":2,"x":{}}`,
		`{"type":1,"name":"a","name_raw":"Yg=="}`, `{"type":1,"name_raw":"Yg==","name":""}`, `{"type":2,"payload":"YQ==\n"}`,
		"{\"type\":2,\"payload\":\"YW\rJj\"}", "{\"type\":2,\"payload\":\"YWJj\r\"}", `{"type":2,"payload":"YQ=\u003d"}`, `{"type":2,"payload":"YQ="}`, `{"type":2,"payload":"YQ==="}`, `{"type":2,"payload":"`,
		segment(strings.Repeat("\x00", 512)), segment(strings.Repeat("\x00", 500) + "end"), segment(strings.Repeat("\x00", 48)), segment(strings.Repeat("x", 47)), segment(strings.Repeat("x", 46)),
		segment(strings.Repeat("x", 46)) + segment("y"), `{"type":2,"payload":"` + strings.Repeat("QUJD", 15) + `QQ==QUJD"}`, `{"type":2,"payload":"` + strings.Repeat("QUJD", 15) + `QQ=="}`,
		"{\"type\":2,\"payload\":\"" + strings.Repeat("QUJD", 15) + "\r\r\r\r\"}", "{\"type\":2,\"payload\":\"" + strings.Repeat("QUJD", 15) + "\r\r\r\rQUJD\"}",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var r record
		if r.parse(line) != nil || bytes.Contains(bytes.ToLower(line), []byte(`\u`)) {
			return
		}
		// Keys in other cases are none to us: no writer has them. A long s is one.
		folded := bytes.ReplaceAll(bytes.ToLower(line), []byte("ſ"), []byte("s"))
		for _, key := range []string{"type", "name", "name_raw", "size", "payload"} {
			if bytes.Count(folded, []byte(`"`+key+`"`)) != bytes.Count(line, []byte(`"`+key+`"`)) {
				return
			}
		}
		var v struct {
			Type    int64  `json:"type"`
			Name    string `json:"name"`
			NameRaw []byte `json:"name_raw"`
			Size    int64  `json:"size"`
			Payload []byte `json:"payload"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", line, err)
		}
		if len(v.NameRaw) == 0 {
			v.NameRaw = []byte(v.Name)
		}
		if r.typ != v.Type || r.size != v.Size || !bytes.Equal(r.name, v.NameRaw) || !bytes.Equal(r.payload, v.Payload) {
			t.Fatalf("%q: %+v, encoding/json %+v", line, r, v)
		}
	})
}
