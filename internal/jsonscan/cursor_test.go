package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
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
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `99999999999999999999`,
}

// check holds the cursor against encoding/json.
func check(t *testing.T, text []byte) {
	t.Helper()
	var want any
	wantErr := json.Unmarshal(text, &want)
	checkSkip(t, text, wantErr)
	if strings.Count(string(text), "[")+strings.Count(string(text), "{") > MaxDepth {
		return
	}
	got, err := tree(text)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, encoding/json %v", text, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %#v, encoding/json %#v", text, got, want)
	}
	var n, m int64
	c := New(text)
	intErr := c.Int(&n)
	if intErr == nil {
		intErr = c.End()
	}
	if wantErr := json.Unmarshal(text, &m); (intErr == nil) != (wantErr == nil) || (intErr == nil && n != m) {
		t.Fatalf("%q: Int: %d %v, encoding/json %d %v", text, n, intErr, m, wantErr)
	}
	checkBetween(t, text)
}

// checkSkip: Skip and Raw take what encoding/json calls valid, up to a depth, and
// nothing else. Numbers may be too large for any type.
func checkSkip(t *testing.T, text []byte, jsonErr error) {
	t.Helper()
	c := New(text)
	err := c.Skip()
	if err == nil {
		err = c.End()
	}
	if errors.Is(err, errDepth) {
		return // TestDepth has where it begins
	}
	if valid := json.Valid(text); (err == nil) != valid {
		t.Fatalf("%q: Skip: %v; encoding/json says %v, %v", text, err, valid, jsonErr)
	}
	c = New(text)
	raw, err := c.Raw()
	if trimmed := bytes.Trim(text, " \t\r\n"); err == nil && c.End() == nil && !bytes.Equal(raw, trimmed) {
		t.Fatalf("%q: Raw: %q", text, raw)
	}
}

// checkBetween: of a string of bytes that stand for themselves, Between gives what
// Text gives, and Pass goes as far. Nothing else is one.
func checkBetween(t *testing.T, text []byte) {
	t.Helper()
	c, d := New(text), New(text)
	quoted, ok := c.Between()
	want, err := d.Text()
	if !ok {
		if err == nil {
			t.Fatalf("%q: Between says no, Text %q", text, want)
		}
		return
	}
	for _, b := range quoted {
		if b < ' ' || b > '~' && b != 0x7f || b == '\\' {
			return
		}
	}
	if c.Pass(quoted); err != nil || !bytes.Equal(quoted, want) || c.Offset() != d.Offset() {
		t.Fatalf("%q: Between %q to %d, Text %q to %d, %v", text, quoted, c.Offset(), want, d.Offset(), err)
	}
}

func TestAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range append(texts, `1e400`, `["a",null]`) {
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
		for depth, bad := range map[int]bool{MaxDepth + 1: false, MaxDepth + 2: true} {
			end := strings.Repeat(map[string]string{"[": "]", `{"a":`: "}"}[open], depth-1)
			c := New([]byte(strings.Repeat(open, depth-1) + "[]" + end))
			if err := c.Skip(); errors.Is(err, errDepth) != bad {
				t.Errorf("%s, %d deep: %v", open, depth, err)
			}
		}
	}
}

// FuzzCursor: every method agrees with encoding/json about any text, and takes
// memory in proportion to it.
func FuzzCursor(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		check(t, text)
		read := func() {
			c, d := New(text), New(text)
			_ = c.Skip()
			_, _ = d.Raw()
		}
		if got := allocated(read); got > 200*uint64(len(text))+1<<16 {
			t.Errorf("%d bytes for a text of %d", got, len(text))
		}
	})
}

// allocated is how many bytes do takes from the heap, whether or not it keeps them.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
