package libpoddb

import (
	"encoding/json"
	"fmt"
)

// An item of a list, or a field of an object, may be three bytes of JSON and a hundred in
// memory.
const (
	// maxValues is how many values the JSON text of a row may have. A container that
	// exposes all ports has half as many.
	maxValues = 1 << 18
	// maxItems is how many items of lists are kept of one database: 400 for each of ten
	// thousand containers.
	maxItems = 1 << 22
)

// decode takes a JSON text apart, as [json.Unmarshal] does, unless it has too many values.
func decode(text []byte, into any) error {
	if values(text) > maxValues {
		return fmt.Errorf("%w: over %d values", ErrTooLarge, maxValues)
	}
	return json.Unmarshal(text, into)
}

// values is how many values a JSON text has at most: before each, or its key, is one of
// three characters, but for the outermost.
func values(text []byte) int {
	n, quoted := 1, false
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			quoted = !quoted
		case '\\':
			at++
		case ',', '[', '{':
			if !quoted {
				n++
			}
		}
	}
	return n
}

// items counts what the lists of a container hold.
func (c *Container) items() int {
	n := len(c.Entrypoint) + len(c.Command) + len(c.Args) + len(c.Env) + len(c.CreateCommand) + len(c.Labels) +
		len(c.Ports) + len(c.Exposed) + len(c.Networks) + len(c.Mounts) + len(c.Dependencies)
	for _, m := range c.Mounts {
		n += len(m.Options)
	}
	return n
}
