package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep values may nest.
const MaxDepth = 1000

// Cursor is a place in a JSON text. After an error it must not be used any more. It
// is not safe for concurrent use.
type Cursor struct {
	text []byte
	at   int
}

// New returns a cursor at the start of text, which must not change meanwhile.
func New(text []byte) Cursor { return Cursor{text: text} }

// Offset is how many bytes have been read.
func (c *Cursor) Offset() int { return c.at }

// peek returns the next byte that is not white space; 0 at the end.
func (c *Cursor) peek() byte {
	for c.at < len(c.text) {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return b
		}
	}
	return 0
}

func (c *Cursor) take(want byte) bool {
	if c.peek() != want {
		return false
	}
	c.at++
	return true
}

// expected says what is there instead.
func (c *Cursor) expected(what string) error {
	if c.peek(); c.at >= len(c.text) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s was expected, not %q", what, c.text[c.at])
}

// End checks that nothing but white space is left.
func (c *Cursor) End() error {
	if c.peek(); c.at < len(c.text) {
		return fmt.Errorf("data after the end: %q", c.text[c.at])
	}
	return nil
}

// Null takes a null, if that is what comes next.
func (c *Cursor) Null() bool {
	if c.peek() == 'n' && len(c.text)-c.at >= 4 && string(c.text[c.at:c.at+4]) == "null" {
		c.at += 4
		return true
	}
	return false
}

// Array calls one at the start of each element, which it has to read.
func (c *Cursor) Array(one func() error) error {
	if !c.take('[') {
		return c.expected("a list")
	}
	if c.take(']') {
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		if c.take(',') {
			continue
		}
		if c.take(']') {
			return nil
		}
		return c.expected("a comma or the end of the list")
	}
}

// Object calls one with each key, whose value it has to read. The key is valid
// until then.
func (c *Cursor) Object(one func(key []byte) error) error {
	if !c.take('{') {
		return c.expected("an object")
	}
	if c.take('}') {
		return nil
	}
	for {
		key, err := c.Text()
		if err != nil {
			return err
		}
		if !c.take(':') {
			return c.expected("a colon")
		}
		if err := one(key); err != nil {
			return err
		}
		if c.take(',') {
			continue
		}
		if c.take('}') {
			return nil
		}
		return c.expected("a comma or the end of the object")
	}
}

// plain has a 1 for bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for b := ' '; b < utf8.RuneSelf; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

// Text reads a string. The result may be part of the text.
func (c *Cursor) Text() ([]byte, error) {
	if c.peek() != '"' {
		return nil, c.expected("a string")
	}
	start := c.at
	for i := start + 1; i < len(c.text); i++ {
		switch b := c.text[i]; {
		case plain[b]:
		case b == '"':
			c.at = i + 1
			return c.text[start+1 : i], nil
		default:
			return c.oddText(start, i)
		}
	}
	return nil, io.ErrUnexpectedEOF
}

// Between returns what stands between the quotes of the string that comes next,
// unread and unlooked at: bytes that stand for themselves, if the caller finds only
// such. Then Pass reads the string. ok is false for another value.
func (c *Cursor) Between() (text []byte, ok bool) {
	if c.peek() != '"' {
		return nil, false
	}
	n := bytes.IndexByte(c.text[c.at+1:], '"')
	if n < 0 {
		return nil, false
	}
	return c.text[c.at+1 : c.at+1+n], true
}

// Pass reads the string that Between gave.
func (c *Cursor) Pass(text []byte) { c.at += len(text) + 2 }

// oddText reads a string that began at start and in which something else than
// plain ASCII stands at i.
func (c *Cursor) oddText(start, i int) ([]byte, error) {
	for ; i < len(c.text); i++ {
		switch c.text[i] {
		case '\\':
			i++
		case '"':
			c.at = i + 1
			var s string
			err := json.Unmarshal(c.text[start:c.at], &s)
			return []byte(s), err
		}
	}
	return nil, io.ErrUnexpectedEOF
}

// String reads a string into v; null leaves v as it is, as for Int.
func (c *Cursor) String(v *string) error {
	if c.Null() {
		return nil
	}
	b, err := c.Text()
	*v = string(b)
	return err
}

// Int reads a number without fraction or exponent.
func (c *Cursor) Int(v *int64) error {
	if c.Null() {
		return nil
	}
	if c.peek(); c.at >= len(c.text) || (c.text[c.at] != '-' && (c.text[c.at] < '0' || c.text[c.at] > '9')) {
		return c.expected("a number")
	}
	start := c.at
	if err := c.number(); err != nil {
		return err
	}
	digits := c.text[start:c.at]
	if n, ok := small(digits); ok {
		*v = n
		return nil
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	*v = n
	return err
}

// small reads up to 18 digits, so that nothing overflows.
func small(digits []byte) (n int64, ok bool) {
	if len(digits) > 18 {
		return 0, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, true
}

// Raw reads any value and returns its text.
func (c *Cursor) Raw() ([]byte, error) {
	c.peek()
	start := c.at
	err := c.Skip()
	return c.text[start:c.at], err
}

var errDepth = errors.New("nested too deeply")
