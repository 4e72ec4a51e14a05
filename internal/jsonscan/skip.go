package jsonscan

import "fmt"

// Skip reads any value.
func (c *Cursor) Skip() error { return c.skip(0) }

func (c *Cursor) skip(depth int) error {
	if depth > MaxDepth {
		return errDepth
	}
	switch b := c.peek(); {
	case b == '"':
		_, err := c.Text()
		return err
	case b == '{':
		return c.Object(func([]byte) error { return c.skip(depth + 1) })
	case b == '[':
		return c.Array(func() error { return c.skip(depth + 1) })
	case b == '-', b >= '0' && b <= '9':
		return c.number()
	}
	for _, word := range []string{"null", "true", "false"} {
		if len(c.text)-c.at >= len(word) && string(c.text[c.at:c.at+len(word)]) == word {
			c.at += len(word)
			return nil
		}
	}
	return c.expected("a value")
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?
func (c *Cursor) number() error {
	start := c.at
	if c.text[c.at] == '-' {
		c.at++
	}
	leading := c.at
	ok := c.digits() && (c.text[leading] != '0' || c.at == leading+1)
	if ok && c.at < len(c.text) && c.text[c.at] == '.' {
		c.at++
		ok = c.digits()
	}
	if ok && c.at < len(c.text) && (c.text[c.at] == 'e' || c.text[c.at] == 'E') {
		c.at++
		if c.at < len(c.text) && (c.text[c.at] == '-' || c.text[c.at] == '+') {
			c.at++
		}
		ok = c.digits()
	}
	if !ok {
		return fmt.Errorf("a number was expected, not %.20q", c.text[start:])
	}
	return nil
}

// digits reads at least one.
func (c *Cursor) digits() bool {
	start := c.at
	for c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9' {
		c.at++
	}
	return c.at > start
}
