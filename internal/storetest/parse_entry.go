package storetest

import (
	"archive/tar"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseEntry reads an entry line; args begins with the name.
func parseEntry(verb string, args []word) (Entry, error) {
	name, rest := args[0].text, args[1:]
	var e Entry
	var numbers int // how many of mode, major, minor may follow
	switch verb {
	case "dir":
		e, numbers = Dir(name, 0o755), 1
	case "file":
		e, numbers = File(name, 0o644, ""), 1
	case "fifo":
		e, numbers = FIFO(name, 0o600), 1
	case "char":
		e, numbers = Char(name, 0o600, 0, 0), 3
	case "block":
		e, numbers = Block(name, 0o600, 0, 0), 3
	case "whiteout":
		e = Whiteout(name)
	case "opaque":
		e = Opaque(name)
	case "symlink", "hardlink":
		if len(rest) == 0 {
			return e, fmt.Errorf("%s %q: target is missing", verb, name)
		}
		e = Symlink(name, rest[0].text)
		if verb == "hardlink" {
			e, numbers = Hardlink(name, rest[0].text), 1
		}
		rest = rest[1:]
	case "global":
		return globalEntry(args)
	default:
		return e, fmt.Errorf("unknown verb %q", verb)
	}
	a := attributes{verb: verb, entry: &e}
	for _, w := range rest {
		if err := a.add(w); err != nil {
			return e, fmt.Errorf("%s %q: %w", verb, name, err)
		}
	}
	if err := a.finish(numbers); err != nil {
		return e, fmt.Errorf("%s %q: %w", verb, name, err)
	}
	return e, nil
}

// attributes collects what follows the name on an entry line.
type attributes struct {
	verb    string
	entry   *Entry
	numbers []word
	size    int64
	seed    uint64
	random  bool
}

func (a *attributes) add(w word) error {
	if w.quoted {
		if a.verb != "file" {
			return fmt.Errorf("only a file has content")
		}
		a.entry.Content = []byte(w.text)
		return nil
	}
	if _, ok := w.number(); ok {
		a.numbers = append(a.numbers, w)
		return nil
	}
	if uid, gid, ok := w.owner(); ok {
		a.entry.Uid, a.entry.Gid = uid, gid
		return nil
	}
	key, value, ok := w.option()
	if !ok {
		return fmt.Errorf("unexpected word %q", w.text)
	}
	var err error
	switch key {
	case "uname":
		a.entry.Uname = value
	case "gname":
		a.entry.Gname = value
	case "mtime":
		a.entry.ModTime, err = parseTime(value)
	case "seed":
		a.seed, err = strconv.ParseUint(value, 10, 64)
	case "size":
		a.size, err = parseSize(value)
		a.random = true
	case "zeros":
		a.size, err = parseSize(value)
		if err == nil {
			a.entry.Content = make([]byte, a.size)
		}
	default:
		err = fmt.Errorf("unknown option %q", w.text)
	}
	return err
}

func (a *attributes) finish(numbers int) error {
	switch n := len(a.numbers); {
	case n > numbers || numbers == 3 && n < 2:
		return fmt.Errorf("%d numbers", n)
	case numbers == 3:
		a.entry.Devmajor, _ = a.numbers[n-2].number()
		a.entry.Devminor, _ = a.numbers[n-1].number()
		a.numbers = a.numbers[:n-2]
	}
	if len(a.numbers) == 1 {
		mode := a.numbers[0]
		if mode.text[0] != '0' {
			return fmt.Errorf("mode %s has no leading zero", mode.text)
		}
		a.entry.Mode, _ = mode.number()
	}
	switch {
	case a.random && a.verb == "file":
		a.entry.Content = Random(a.size, a.seed)
	case a.random:
		a.entry.Size = a.size
	}
	return nil
}

func parseTime(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0).UTC(), nil
	}
	return time.Parse(time.RFC3339Nano, s)
}

func globalEntry(args []word) (Entry, error) {
	records := map[string]string{}
	for _, w := range args {
		key, value, ok := strings.Cut(w.text, "=")
		if !ok {
			return Entry{}, fmt.Errorf("global: %q is not KEY=VALUE", w.text)
		}
		records[key] = value
	}
	return Global(records), nil
}

// addXattrs does an xattr line: it changes the last entry of that name.
func addXattrs(l *Layer, args []word) error {
	for i := len(l.Entries) - 1; i >= 0; i-- {
		e := &l.Entries[i]
		if e.Typeflag == tar.TypeXGlobalHeader || place(e.Name) != place(args[0].text) {
			continue
		}
		for _, w := range args[1:] {
			key, value, ok := strings.Cut(w.text, "=")
			if !ok {
				return fmt.Errorf("xattr: %q is not KEY=VALUE", w.text)
			}
			*e = e.Xattr(key, value)
		}
		return nil
	}
	return fmt.Errorf("xattr: no entry %q above", args[0].text)
}
