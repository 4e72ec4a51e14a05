package merge

import (
	"archive/tar"
	"fmt"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/tarsplit"
)

// stack reads layers in a short notation, base first, each entry on a line, or several
// behind semicolons:
//
//	d NAME [FROM]   a directory; renamed, what the layers below have as FROM
//	f NAME          a file with content
//	e NAME          an empty file
//	l NAME TARGET   a symbolic link
//	h NAME TARGET   a hard link
//	c NAME          the character device 0:0
//	w NAME          a whiteout of NAME
//	o NAME          NAME is opaque
//	tX NAME         an entry with typeflag X
//
// Names may be in Go's quotes. The Header of entry n of layer l, both from 0, is
// 1<<20*l + n.
func stack(t testing.TB, layers ...string) [][]*tarsplit.Entry {
	t.Helper()
	var all [][]*tarsplit.Entry
	for l, text := range layers {
		var entries []*tarsplit.Entry
		for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' }) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			for i, w := range words {
				if strings.HasPrefix(w, `"`) {
					var err error
					if words[i], err = strconv.Unquote(w); err != nil {
						t.Fatalf("%q: %v", line, err)
					}
				}
			}
			e := parseEntry(t, words)
			e.Header = int64(l)<<20 + int64(len(entries))
			e.Content = e.Header + 512
			entries = append(entries, e)
		}
		all = append(all, entries)
	}
	return all
}

func parseEntry(t testing.TB, words []string) *tarsplit.Entry {
	t.Helper()
	e := &tarsplit.Entry{Name: words[1], Mode: 0o644}
	want := 2
	switch words[0] {
	case "d":
		if e.Type = tar.TypeDir; len(words) == 3 {
			e.Redirect, want = words[2], 3
		}
	case "f":
		e.Type, e.Size, e.File = tar.TypeReg, 7, e.Name
	case "e":
		e.Type = tar.TypeReg
	case "l", "h":
		e.Type, e.Linkname, want = tar.TypeSymlink, words[2], 3
		if words[0] == "h" {
			e.Type = tar.TypeLink
		}
	case "c":
		e.Type = tar.TypeChar
	case "w":
		e.Type, e.Name = tar.TypeReg, path.Join(path.Dir(e.Name), ".wh."+path.Base(e.Name))
	case "o":
		e.Type, e.Name = tar.TypeReg, path.Join(e.Name, ".wh..wh..opq")
	default:
		if len(words[0]) != 2 || words[0][0] != 't' {
			t.Fatalf("%q", words)
		}
		e.Type = words[0][1]
	}
	if len(words) != want {
		t.Fatalf("%q", words)
	}
	return e
}

// sequences are the iterators that Build takes.
func sequences(layers [][]*tarsplit.Entry) []iter.Seq2[*tarsplit.Entry, error] {
	var all []iter.Seq2[*tarsplit.Entry, error]
	for _, entries := range layers {
		all = append(all, func(yield func(*tarsplit.Entry, error) bool) {
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		})
	}
	return all
}

func build(t testing.TB, layers ...string) *Tree {
	t.Helper()
	tree, err := Build(t.Context(), sequences(stack(t, layers...)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// String is what the tests compare: a letter as in stack, the path, the header's layer and
// number, or "-" if there is none, the target of a symbolic link, and what is unusual.
func (n Node) String() string {
	var b strings.Builder
	kinds := map[byte]string{tar.TypeReg: "f", tar.TypeDir: "d", tar.TypeSymlink: "l", tar.TypeChar: "c"}
	kind := kinds[n.Entry.Type]
	if kind == "" {
		kind = "t" + string(n.Entry.Type)
	}
	if n.Entry.Type == tar.TypeReg && n.Entry.Size == 0 {
		kind = "e"
	}
	p := n.Path
	if q := strconv.Quote(p); len(q) != len(p)+2 || strings.Contains(p, " ") {
		p = q
	}
	fmt.Fprintf(&b, "%s %s ", kind, p)
	if n.Layer < 0 {
		b.WriteByte('-')
	} else {
		fmt.Fprintf(&b, "%d.%d", n.Layer, n.Entry.Header&(1<<20-1))
		if from := int(n.Entry.Header >> 20); from != n.Layer {
			fmt.Fprintf(&b, " header of %d", from)
		}
	}
	if n.Entry.Linkname != "" {
		b.WriteString(" " + n.Entry.Linkname)
	}
	if n.Entry.File != "" && n.Entry.File != n.Path || n.Entry.File == "" && n.Entry.Size != 0 {
		fmt.Fprintf(&b, " file=%s", n.Entry.File)
	}
	if n.Link != "" {
		b.WriteString(" =" + n.Link)
	}
	return b.String()
}

// shown is a tree in lines, without its root if no header names that.
func shown(tree *Tree) []string {
	var lines []string
	for n := range tree.All() {
		if n.Path != "." || n.Layer >= 0 {
			lines = append(lines, n.String())
		}
	}
	return lines
}

// lines cuts a text as shown gives it.
func lines(text string) []string {
	var all []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			all = append(all, line)
		}
	}
	return all
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
