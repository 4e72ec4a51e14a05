package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain reports whether text is seen as it is, and does nothing else to a terminal.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// printable spells out what would do something to a terminal instead of being seen, as
// Go does in string literals: names in an archive can hold any bytes.
func printable(text string) string {
	if plain(text) {
		return text
	}
	text = strconv.Quote(text)
	return text[1 : len(text)-1]
}

// quoted is a name as it is printed: as it is, or, if that could mislead, as a string
// literal of Go.
func quoted(name string) string {
	if name == "" || name[0] == '"' || name[0] == ' ' || name[len(name)-1] == ' ' || !plain(name) {
		return strconv.Quote(name)
	}
	return name
}
