package cstor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/internal/ondisk"
)

// FuzzSchema1Config: the configuration has one entry of history for each of the
// manifest, in the other order, and what a plain reading of the newest says; from a
// manifest that is made of it comes the same again.
func FuzzSchema1Config(f *testing.F) {
	for _, history := range [][]string{
		nil,
		{""},
		{"{}"},
		{"null"},
		{"[]"},
		{"{}", "x"},
		{
			`{"id":"b","created":"2015-01-02T03:04:05.6Z","author":"me","os":"linux","config":{"Env":["A=b"],"Cmd":["sh"]},"container_config":{"Cmd":["/bin/sh","-c","#(nop) CMD"]},"throwaway":true}`,
			`{"id":"a","container_config":{"Cmd":["/bin/sh -c","#(nop) ADD"]},"comment":"c"}`,
		},
		{`{"architecture":"arm64","variant":"v8","history":[{"created_by":"x"}],"rootfs":{"type":"layers","diff_ids":["sha256:0"]}}`},
		{`{"empty_layer":true,"created_by":"before","container_config":{"Cmd":[" after"]}}`, `{"created":"0001-01-01T00:00:00Z","container_config":{"Cmd":["a","","b",null]}}`},
		{`{"container_config":{"Cmd":[` + strings.Repeat(`"",`, 3000) + `"x"]}}`},
	} {
		m := schema1{Architecture: "amd64"}
		for _, h := range history {
			m.History = append(m.History, struct {
				V1Compatibility string `json:"v1Compatibility"`
			}{h})
		}
		text, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"history":[{"v1Compatibility":1}]}`))
	i := &Image{rec: new(ondisk.Image)} // which has no layers
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got *v1.Image
		var err error
		used := allocated(func() { got, err = i.schema1Config(raw) })
		if used > 200*uint64(len(raw))+1<<16 {
			t.Errorf("%d bytes for a manifest of %d", used, len(raw))
		}
		if err != nil {
			return
		}
		var m schema1
		if err := json.Unmarshal(raw, &m); err != nil || len(got.History) != len(m.History) {
			t.Fatalf("%s: %d entries of history from %d, %v", raw, len(got.History), len(m.History), err)
		}
		for n, h := range m.History {
			checkHistory(t, h.V1Compatibility, got.History[len(got.History)-1-n])
		}
		if got.RootFS.Type != "layers" || len(got.RootFS.DiffIDs) != 0 {
			t.Errorf("%s: %+v", raw, got.RootFS)
		}
		again, err := i.schema1Config(schema1Of(t, *got))
		if d := cmp.Diff(got, again, cmpopts.EquateEmpty()); d != "" || err != nil {
			t.Errorf("%s: written and read again: %v\n%s", raw, err, d)
		}
	})
}

// checkHistory reads an entry of a manifest's history by hand.
func checkHistory(t *testing.T, text string, got v1.History) {
	t.Helper()
	var e struct {
		Created   *string `json:"created"`
		Author    string  `json:"author"`
		Comment   string  `json:"comment"`
		CreatedBy string  `json:"created_by"`
		Container struct {
			Cmd []string
		} `json:"container_config"`
		Empty     bool `json:"empty_layer"`
		Throwaway bool `json:"throwaway"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	if (e.Created == nil) != (got.Created == nil) || got.Author != e.Author || got.Comment != e.Comment || got.EmptyLayer != (e.Empty || e.Throwaway) ||
		got.CreatedBy != e.CreatedBy+strings.Join(e.Container.Cmd, " ") {
		t.Errorf("%s: %+v", text, got)
	}
}

// schema1Of makes a manifest of a configuration.
func schema1Of(t *testing.T, config v1.Image) []byte {
	t.Helper()
	m := schema1{Architecture: config.Architecture}
	for n, h := range config.History {
		entry := make(map[string]json.RawMessage)
		parts := []any{h}
		if n == len(config.History)-1 {
			newest := config
			newest.History = nil
			parts = []any{newest, h}
		}
		for _, part := range parts {
			text, err := json.Marshal(part)
			if err == nil {
				err = json.Unmarshal(text, &entry)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		m.History = append([]struct {
			V1Compatibility string `json:"v1Compatibility"`
		}{{string(text)}}, m.History...)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzSchema1Payload: what was signed is what comes out, if a text is signed as
// docker does; of any other text, something that it begins with, and a tail that is
// not longer than its signature.
func FuzzSchema1Payload(f *testing.F) {
	protected := func(length int, tail string) string {
		text := fmt.Sprintf(`{"formatLength":%d,"formatTail":%q,"time":"2015-01-02T03:04:05Z"}`, length, base64.RawURLEncoding.EncodeToString([]byte(tail)))
		return base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	f.Add("{\n   \"schemaVersion\": 1,\n   \"history\": []\n}", "{}")
	f.Add("{}", `{"signatures":[{"protected":"`+protected(0, "")+`"},{}]}`)
	f.Add(`{"a":"}"}`+"\n\n", `{"signatures":[{"protected":"`+protected(1<<20, "x")+`"}]}`)
	f.Add(`{"signatures":1}`, `{"signatures":[{"protected":"`+protected(-1, "x")+`"}]}`)
	f.Add("", `{"signatures":[{"protected":"`+protected(14, "}\n")+`="}]}`)
	f.Add("", `{"signatures":[{"protected":"*"}]}`)
	f.Add("", `{"signatures":[]}`)
	f.Fuzz(func(t *testing.T, text, raw string) {
		got, err := schema1Payload([]byte(raw))
		if err == nil {
			n := 0
			for n < min(len(got), len(raw)) && got[n] == raw[n] {
				n++
			}
			if len(got)-n > len(raw) {
				t.Errorf("%q: %q", raw, got)
			}
		}
		// libtrust takes the closing brace, and the white space before it, for the
		// tail, and puts the signatures in between.
		at := len(strings.TrimRight(strings.TrimSuffix(strings.TrimRight(text, " \t\r\n"), "}"), " \t\r\n"))
		if !json.Valid([]byte(text)) || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || strings.Contains(strings.ToLower(text), "signatures") || strings.ContainsAny(text, "\\ſ") {
			return
		}
		comma := ","
		if strings.HasSuffix(text[:at], "{") && json.Valid([]byte(text[:at]+"}")) && strings.TrimLeft(text[:at], " \t\r\n") == "{" {
			comma = ""
		}
		signed := text[:at] + comma + "\n \"signatures\": [{\"header\": {}, \"protected\": \"" + protected(at, text[at:]) + "\"}]\n}"
		got, err = schema1Payload([]byte(signed))
		if err != nil || !bytes.Equal(got, []byte(text)) {
			t.Errorf("%q signed: %q, %v", text, got, err)
		}
	})
}
