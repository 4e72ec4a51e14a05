package storetest

import (
	"fmt"
	"strconv"
	"strings"
)

// word is one word of a spec line.
type word struct {
	text   string
	quoted bool // began with a quote, so it is never a number or an option
}

// words splits a line at white space. A Go string literal, "…" or `…`, may
// stand for a word or a part of one; # at the start of a word begins a comment.
func words(line string) ([]word, error) {
	var list []word
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return list, nil
		}
		w := word{quoted: line[0] == '"' || line[0] == '`'}
		var text strings.Builder
		for line != "" && !strings.ContainsRune(" \t\r", rune(line[0])) {
			if line[0] != '"' && line[0] != '`' {
				text.WriteByte(line[0])
				line = line[1:]
				continue
			}
			lit, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("bad quoting at %s", line)
			}
			s, err := strconv.Unquote(lit)
			if err != nil {
				return nil, fmt.Errorf("bad quoting at %s", line)
			}
			text.WriteString(s)
			line = line[len(lit):]
		}
		w.text = text.String()
		list = append(list, w)
	}
}

// option splits key=value; ok is false for other words.
func (w word) option() (key, value string, ok bool) {
	if w.quoted {
		return "", "", false
	}
	return strings.Cut(w.text, "=")
}

// number reads an unquoted number: octal with a leading zero, else decimal.
func (w word) number() (int64, bool) {
	if w.quoted {
		return 0, false
	}
	n, err := strconv.ParseInt(w.text, 10, 64)
	if len(w.text) > 1 && w.text[0] == '0' {
		n, err = strconv.ParseInt(w.text, 8, 64)
	}
	return n, err == nil
}

// owner reads uid:gid.
func (w word) owner() (uid, gid int, ok bool) {
	u, g, ok := strings.Cut(w.text, ":")
	if !ok || w.quoted {
		return 0, 0, false
	}
	uid, err1 := strconv.Atoi(u)
	gid, err2 := strconv.Atoi(g)
	return uid, gid, err1 == nil && err2 == nil
}

// parseSize reads a number of bytes with an optional suffix K, M or G (1024).
func parseSize(s string) (int64, error) {
	shift := 0
	if i := strings.IndexAny(s, "KMG"); i >= 0 && i == len(s)-1 {
		shift = 10 * (1 + strings.IndexByte("KMG", s[i]))
		s = s[:i]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("bad size %q", s)
	}
	return n << shift, nil
}

func list(s string) []string {
	if s == "" || s == "-" {
		return nil
	}
	return strings.Split(s, ",")
}
