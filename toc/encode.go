package toc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"iter"
)

// EncodeOptions of [Encode]. The zero value is ready to use.
type EncodeOptions struct {
	// Indent spreads entries over lines, as stargz-snapshotter writes its own
	// tables. Otherwise there is one entry a line.
	Indent bool
}

// Encode writes a table of the entries, in their order, as eStargz's readers take it:
// times are rounded to whole seconds, keys that are zero are left out
// (containerd/stargz-snapshotter estargz/types.go:TOCEntry, estargz.go:formatModtime).
// It has no places in a blob, and so is a list of what a layer or an image holds, and
// not by itself a table to pull from.
//
// JSON has no bytes that are not UTF-8: of a name or link that has some, the key
// nameRaw or linkNameRaw holds all bytes in base64, beside the usual key with U+FFFD in
// the place of each. DecodeOptions.RawNames reads them.
//
// Entries are written while the iteration goes on and may be used again by it. An
// error of the entries ends it and is returned as it is, as are those of w; what was
// written until then is no whole table.
func Encode(w io.Writer, entries iter.Seq2[*Entry, error], opts EncodeOptions) error {
	e := encoder{w: bufio.NewWriterSize(w, 64<<10), indent: opts.Indent}
	e.text("{", "{\n\t")
	e.text(`"version":1,`, "\"version\": 1,\n\t")
	e.text(`"entries":[`, `"entries": [`)
	first := true
	for entry, err := range entries {
		if err != nil {
			return err
		}
		if !first {
			e.text(",", ",")
		}
		first = false
		if err := e.entry(entry); err != nil {
			return err
		}
	}
	if !first {
		e.text("\n", "\n\t")
	}
	e.text("]}\n", "]\n}\n")
	return e.w.Flush()
}

type encoder struct {
	w      *bufio.Writer // keeps its first error
	indent bool
	line   []byte
	spread bytes.Buffer
}

// text writes one of two spellings.
func (e *encoder) text(compact, indented string) {
	if e.indent {
		compact = indented
	}
	_, _ = e.w.WriteString(compact) // see encoder.w
}

func (e *encoder) entry(entry *Entry) error {
	e.line = appendEntry(e.line[:0], entry)
	if e.indent {
		e.spread.Reset()
		if err := json.Indent(&e.spread, e.line, "\t\t", "\t"); err != nil {
			return err
		}
		e.text("", "\n\t\t")
		_, err := e.w.Write(e.spread.Bytes())
		return err
	}
	_ = e.w.WriteByte('\n')
	_, err := e.w.Write(e.line)
	return err
}
