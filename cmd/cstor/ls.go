package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// listFiles is one run of ls, as its flags say.
type listFiles struct {
	subject
	long, recursive, self bool
	format                string
}

func (a *app) ls() *cobra.Command {
	x := listFiles{subject: subject{app: a}}
	cmd := &cobra.Command{
		Use:   "ls IMAGE [PATH...] | --container NAME [PATH...] | --layer LAYER [PATH...]",
		Short: "List the files of an image, without mounting it",
		Long: `List what an image or a container shows at a PATH, by default at its root: the layers merged, what
upper layers delete left out. Metadata are those of the layers' tar headers, which
know more than the disk; a directory that no header names has the disk's.

With -l: type and permissions, owner, size in bytes (of a device, its numbers), time (UTC),
the layer that owns the entry, name, and where a link leads. Of hard links all but
the first are shown with the name that they repeat. A layer alone may have names of
files that only layers below it have: where the disk does not tell, they begin with
an "h", and their size is not known.

What a container shows may change while it is listed.`,
		Example:           "  cstor ls alpine\n  cstor ls -l alpine /etc\n  cstor ls --container web /var/log\n  cstor ls -R --format json alpine / | jq -r .path",
		RunE:              x.run,
		ValidArgsFunction: x.completePath(1 << 10),
	}
	x.flags(cmd)
	f := cmd.Flags()
	f.BoolVarP(&x.long, "long", "l", false, "show metadata and the layer that owns each entry")
	f.BoolVarP(&x.recursive, "recursive", "R", false, "list everything below as well, with paths")
	f.BoolVarP(&x.self, "directory", "d", false, "list directories themselves, not what is in them")
	_ = f.BoolP("all", "a", true, "list names that begin with a dot, as is always done")
	_ = f.BoolP("one", "1", true, "list one name a line, as is always done")
	f.StringVar(&x.format, "format", "table", "print as \"table\" or \"json\", an object a line")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (x *listFiles) run(cmd *cobra.Command, got []string) error {
	paths, _, err := x.check(cmd, got)
	switch {
	case err != nil:
		return err
	case x.format != "table" && x.format != "json":
		return usagef("--format %q: \"table\" or \"json\" was expected", x.format)
	case x.recursive && x.self:
		return usagef("-R and -d contradict each other: choose one")
	case len(paths) == 0:
		paths = []string{"/"}
	}
	if err := noEmpty(paths); err != nil {
		return err
	}
	s, layers, err := x.open(cmd, got, false)
	if err != nil {
		return err
	}
	defer s.Close()
	tree, err := newMerged(cmd.Context(), layers, x.alone())
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(x.stdout, 64<<10)
	find := func(path string) (merge.Node, error) { return x.find(tree, path) }
	err = eachPath(&x.subject, x.name(got), paths, find, func(i int, path string, n merge.Node) error {
		heading := ""
		if len(paths) > 1 && !x.recursive && x.format == "table" {
			heading = "\n"[:min(i, 1)] + printable(path) + ":\n"
		}
		return x.list(cmd, w, tree, n, path, heading)
	})
	if flushed := w.Flush(); flushed != nil {
		return flushed
	}
	return err
}

// find finds what a path leads to. As other ls do, it follows a link to a directory, but
// not where the link would be shown.
func (x *listFiles) find(tree *merged, name string) (merge.Node, error) {
	n, err := tree.Follow(name, false)
	if err == nil && n.Entry.Type == '2' && !x.self && !x.long {
		if target, err := tree.Follow(name, true); err == nil && target.Entry.Type == '5' {
			n = target
		}
	}
	return n, err
}

// list prints a node that was called name, a directory with a heading.
func (x *listFiles) list(cmd *cobra.Command, w io.Writer, tree *merged, n merge.Node, name, heading string) error {
	switch {
	case n.Entry.Type != '5' || x.self:
		return x.print(w, tree, n, name)
	case !x.recursive:
		_, _ = io.WriteString(w, heading) // an error comes again
		for child := range tree.Below(n.Path) {
			if err := x.print(w, tree, child, path.Base(child.Path)); err != nil {
				return err
			}
		}
		return nil
	}
	return x.listBelow(cmd, w, tree, n)
}

func (x *listFiles) listBelow(cmd *cobra.Command, w io.Writer, tree *merged, n merge.Node) error {
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	for child := range tree.Below(n.Path) {
		if err := x.print(w, tree, child, child.Path); err != nil {
			return err
		}
		if child.Entry.Type == '5' {
			if err := x.listBelow(cmd, w, tree, child); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileRow is an entry in JSON. It is an interface for programs: fields are added, not
// changed.
type fileRow struct {
	Path     string            `json:"path"`              // U+FFFD for bytes that are not UTF-8
	PathRaw  []byte            `json:"pathRaw,omitempty"` // all bytes, where path cannot have them
	Type     string            `json:"type"`              // "file", "dir", "symlink", "char", "block", "fifo", "hardlink"
	Mode     string            `json:"mode"`              // octal
	UID      int64             `json:"uid"`
	GID      int64             `json:"gid"`
	User     string            `json:"user,omitempty"`
	Group    string            `json:"group,omitempty"`
	Size     int64             `json:"size"`
	ModTime  *time.Time        `json:"modTime,omitempty"` // absent in years that RFC 3339 cannot say
	Link     string            `json:"link,omitempty"`    // target of a symbolic link
	LinkRaw  []byte            `json:"linkRaw,omitempty"`
	HardLink string            `json:"hardLink,omitempty"` // the first path of the same file
	HardRaw  []byte            `json:"hardLinkRaw,omitempty"`
	Device   string            `json:"device,omitempty"` // major:minor
	Xattrs   map[string][]byte `json:"xattrs,omitempty"`
	Layer    string            `json:"layer,omitempty"` // that owns the entry; absent for directories that no header names
}

// print prints an entry under a name.
func (x *listFiles) print(w io.Writer, tree *merged, n merge.Node, name string) error {
	if !x.long && x.format != "json" {
		_, err := fmt.Fprintln(w, printable(name))
		return err
	}
	n, err := tree.complete(n)
	if err != nil {
		return err
	}
	e := n.Entry
	layer := ""
	if l := tree.owner(n); l != nil {
		layer = l.ID()
	}
	if x.format == "json" {
		r := fileRow{
			Path: n.Path, Type: typeNames[e.Type], Mode: fmt.Sprintf("%04o", e.Mode&0o7777), UID: e.UID, GID: e.GID, User: e.Uname, Group: e.Gname,
			Size: length(e), HardLink: n.Link, Layer: layer,
		}
		if e.Type == '2' {
			r.Link = e.Linkname
		} else {
			r.HardLink = cmp.Or(n.Link, e.Linkname)
		}
		if year := e.ModTime.Year(); year >= 0 && year <= 9999 {
			r.ModTime = &e.ModTime
		}
		if !utf8.ValidString(n.Path) {
			r.PathRaw = []byte(n.Path)
		}
		if !utf8.ValidString(r.Link) {
			r.LinkRaw = []byte(r.Link)
		}
		if !utf8.ValidString(r.HardLink) {
			r.HardRaw = []byte(r.HardLink)
		}
		if e.Type == '3' || e.Type == '4' {
			r.Device = fmt.Sprintf("%d:%d", e.Devmajor, e.Devminor)
		}
		for k, v := range e.Xattrs {
			if r.Xattrs == nil {
				r.Xattrs = map[string][]byte{}
			}
			r.Xattrs[k] = []byte(v)
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	size := fmt.Sprint(length(e))
	if e.Type == '3' || e.Type == '4' {
		size = fmt.Sprintf("%d, %d", e.Devmajor, e.Devminor)
	}
	line := fmt.Sprintf("%s %9s %10s %s %-12s %s", modeText(e), fmt.Sprintf("%d:%d", e.UID, e.GID), size,
		e.ModTime.UTC().Format("2006-01-02 15:04:05"), cmp.Or(short(layer), "-"), printable(name))
	switch {
	case e.Type == '2':
		line += " -> " + printable(e.Linkname)
	case n.Link != "" || e.Linkname != "":
		line += " = " + printable(cmp.Or(n.Link, e.Linkname))
	}
	_, err = fmt.Fprintln(w, line)
	return err
}

var typeNames = map[byte]string{'0': "file", '1': "hardlink", '2': "symlink", '3': "char", '4': "block", '5': "dir", '6': "fifo"}

// length of a file with its holes, or of a link's target.
func length(e *tarsplit.Entry) int64 {
	switch {
	case e.Type == '2':
		return int64(len(e.Linkname))
	case e.Sparse != nil:
		return e.Sparse.Size
	}
	return e.Size
}

// modeText is a mode as ls shows it.
func modeText(e *tarsplit.Entry) string {
	b := []byte("-rwxrwxrwx")
	if c, special := map[byte]byte{'1': 'h', '2': 'l', '3': 'c', '4': 'b', '5': 'd', '6': 'p'}[e.Type]; special {
		b[0] = c
	}
	for i := range 9 {
		if e.Mode>>(8-i)&1 == 0 {
			b[1+i] = '-'
		}
	}
	for _, s := range []struct {
		bit  int64
		at   int
		mark byte
	}{{0o4000, 3, 's'}, {0o2000, 6, 's'}, {0o1000, 9, 't'}} {
		if e.Mode&s.bit == 0 {
			continue
		}
		if b[s.at] == '-' {
			s.mark -= 'a' - 'A'
		}
		b[s.at] = s.mark
	}
	return string(b)
}
