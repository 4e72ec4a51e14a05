package tardiff

import (
	"encoding/json"
	"testing"
)

// TestJSON: the form that programs read, and that nothing is lost in it.
func TestJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		d    Difference
		want string
	}{
		{
			"missing",
			Difference{Kind: KindMissing, Name: "a", ContentOffset: -1, A: Side{Offset: 512, Entry: 1}, B: nothing()},
			`{"kind":"missing","name":"a","a":{"offset":512,"entry":1,"value":""}}`,
		},
		{
			"content",
			Difference{Kind: KindContent, Name: "a", A: Side{Offset: 512, Value: "\xff", Length: 1}, B: Side{Offset: 512, Value: "x", Length: 1}},
			`{"kind":"content","name":"a","content_offset":0,"a":{"offset":512,"entry":0,"value":"\ufffd","value_base64":"/w=="},"b":{"offset":512,"entry":0,"value":"x"}}`,
		},
		{
			"bytes",
			Difference{Kind: KindRecord, Name: "\xe4", Record: "pax", Field: "\xf6", ContentOffset: -1, A: nothing(), B: Side{Offset: 0, Entry: 7, Value: "<\x00>", Start: 10, Length: 20}},
			`{"kind":"record","name":"\ufffd","name_base64":"5A==","record":"pax","field":"\ufffd","field_base64":"9g==","b":{"offset":0,"entry":7,"value":"\u003c\u0000\u003e","start":10,"length":20}}`,
		},
		{
			"trailer",
			Difference{Kind: KindTrailer, Field: "zeros", ContentOffset: -1, A: Side{Offset: 1, Entry: -1, Value: "5", Length: 1}, B: nothing()},
			`{"kind":"trailer","field":"zeros","a":{"offset":1,"value":"5"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(c.d)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
			var back Difference
			if err := json.Unmarshal(text, &back); err != nil || back != c.d {
				t.Errorf("back: %+v, %v", back, err)
			}
		})
	}
}
