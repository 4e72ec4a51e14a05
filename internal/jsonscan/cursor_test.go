package jsonscan

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// tree reads any text into what encoding/json makes of it, through every method.
func tree(text []byte) (v any, err error) {
	c := New(text)
	if v, err = value(&c, 0); err != nil {
		return nil, err
	}
	return v, c.End()
}

func value(c *Cursor, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, errDepth
	}
	if c.Null() {
		return nil, nil
	}
	switch c.peek() {
	case '{':
		m := map[string]any{}
		err := c.Object(func(key []byte) (err error) {
			m[string(key)], err = value(c, depth+1)
			return err
		})
		return m, err
	case '[':
		l := []any{}
		err := c.Array(func() error {
			v, err := value(c, depth+1)
			l = append(l, v)
			return err
		})
		return l, err
	case '"':
		var s string
		err := c.String(&s)
		return s, err
	}
	var v any
	raw, err := c.Raw()
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	return v, err
}

var texts = []string{
	`null`, `true`, `false`, `0`, `-0`, `-1.5e+3`, `1E9`, `""`, `"a"`, `[]`, `{}`, ` [ 1 , "x" , null ] `, `{"a":{"b":[1,2,{}]},"c":""}`,
	`"\u00e9\n\"\\\/"`, `"grüße"`, "\"\xff\"", `"\ud800"`, `{"\u0061":1}`, `[[[[]]]]`, "[1,\n\t2\r]",
	``, ` `, `nul`, `nulll`, `tru`, `01`, `-`, `1.`, `.5`, `1e`, `+1`, `1 2`, `[1,]`, `[,1]`, `[1`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1`,
	`"`, `"a`, `"\`, `"\x"`, "\"\n\"", "\"\x00\"", `]`, `}`, `{]`, `[}`, `"a" "b"`, `{"a":1}x`, "\ufeff1",
}

// check holds the cursor against encoding/json.
func check(t *testing.T, text []byte) {
	t.Helper()
	if strings.Count(string(text), "[")+strings.Count(string(text), "{") > MaxDepth {
		return
	}
	var want any
	wantErr := json.Unmarshal(text, &want)
	got, err := tree(text)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, encoding/json %v", text, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %#v, encoding/json %#v", text, got, want)
	}
	c := New(text)
	skipErr := c.Skip()
	if skipErr == nil {
		skipErr = c.End()
	}
	// Skip does not look into strings with escapes, and other numbers than int64
	// are none of its business.
	if skipErr != nil && wantErr == nil {
		t.Fatalf("%q: Skip: %v", text, skipErr)
	}
	var n, m int64
	c = New(text)
	intErr := c.Int(&n)
	if intErr == nil {
		intErr = c.End()
	}
	if wantErr := json.Unmarshal(text, &m); (intErr == nil) != (wantErr == nil) || (intErr == nil && n != m) {
		t.Fatalf("%q: Int: %d %v, encoding/json %d %v", text, n, intErr, m, wantErr)
	}
}

func TestAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range append(texts, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `1e400`, `["a",null]`) {
		check(t, []byte(text))
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`} {
		c := New([]byte(strings.Repeat(open, 1<<20)))
		if err := c.Skip(); err == nil {
			t.Errorf("%s, a million times, was skipped", open)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(check)
}
