package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// writeTable aligns columns, three blanks apart. If w is a terminal that is too
// narrow, the elastic columns lose the ends of their texts, one after the other.
func writeTable(w io.Writer, lines [][]string, elastic ...int) error {
	var width []int
	for _, line := range lines {
		for n, cell := range line {
			if n == len(width) {
				width = append(width, 0)
			}
			line[n] = printable(cell)
			width[n] = max(width[n], utf8.RuneCountInString(line[n]))
		}
	}
	if have := terminalWidth(w); have > 0 && len(width) > 0 {
		need := 3 * (len(width) - 1)
		for _, n := range width {
			need += n
		}
		for _, n := range elastic {
			full := width[n]
			width[n] = min(full, max(full-max(need-have, 0), 12))
			need -= full - width[n]
		}
	}
	var b strings.Builder
	for _, line := range lines {
		blanks := 0 // owed before the next cell that is not empty
		for n, cell := range line {
			if cell = cut(cell, width[n]); cell != "" {
				b.WriteString(strings.Repeat(" ", blanks))
				b.WriteString(cell)
				blanks = 0
			}
			blanks += width[n] - utf8.RuneCountInString(cell) + 3
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printable spells out what would do something to a terminal instead of being seen,
// as Go does in string literals: names in a store can hold any bytes.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if part := text[:n]; unicode.IsPrint(r) && utf8.ValidString(part) {
			b.WriteString(part)
		} else {
			b.WriteString(strings.Trim(strconv.Quote(part), `"`))
		}
		text = text[n:]
	}
	return b.String()
}

// cut shortens text to n characters, the last of them an ellipsis.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// terminalWidth is 0 if w is not a terminal.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
