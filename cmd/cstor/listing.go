package main

import (
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
)

// listing prints rows of one type as a table, as JSON, or by a Go template, as
// podman's listings do. Templates see the rows' fields, JSON their tags.
type listing[R any] struct {
	format  string
	quiet   bool
	noTrunc bool
	noHead  bool
	whole   bool // what --quiet prints is a name, and not cut short

	columns []column[R]
	heads   map[string]string // what templates have above a field, if not its name
	id      func(R) string    // what --quiet prints
}

// column of a table; left out where no row has anything in it. The elastic ones give way, the first one first, when a line is
// too long for the terminal.
type column[R any] struct {
	head    string
	elastic bool
	text    func(R) string
}

func (l *listing[R]) flags(cmd *cobra.Command, ids string) {
	f := cmd.Flags()
	f.StringVar(&l.format, "format", "table", "print as \"table\", \"json\", or by a Go `TEMPLATE` such as '{{.ID}}'")
	f.BoolVarP(&l.quiet, "quiet", "q", false, "print "+ids+" only")
	f.BoolVar(&l.noTrunc, "no-trunc", false, "print ids and digests in full")
	f.BoolVarP(&l.noHead, "noheading", "n", false, "leave out the table's heading")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func (l *listing[R]) print(w io.Writer, rows []R) error {
	switch {
	case l.quiet:
		return l.printIDs(w, rows)
	case l.format == "json":
		if rows == nil {
			rows = []R{}
		}
		return printJSON(w, rows)
	case l.format == "table" || l.format == "":
		return l.printTable(w, rows)
	}
	text, table := strings.CutPrefix(l.format, "table ")
	text = unescape(text)
	if table {
		text = blanks.ReplaceAllString(strings.TrimSpace(text), "}}\t{{")
	}
	t, err := parseTemplate(text)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		// A field that there is not is one whether there are rows or not; any other
		// fault may be that of a row without content.
		var none R
		if err := t.Execute(io.Discard, none); err != nil && strings.Contains(err.Error(), "can't evaluate field") {
			return templateError(err, none)
		}
	}
	if !table {
		return eachLine(w, rows, func(b *strings.Builder, r R) error { return t.Execute(b, r) })
	}
	// "table TEMPLATE": a table whose columns are the template's, split at tabs and
	// blanks.
	var lines [][]string
	if !l.noHead {
		lines = append(lines, l.headings(t, text))
	}
	for _, r := range rows {
		var b strings.Builder
		if err := t.Execute(&b, r); err != nil {
			return templateError(err, r)
		}
		lines = append(lines, strings.Split(b.String(), "\t"))
	}
	return writeTable(w, lines)
}

func (l *listing[R]) printIDs(w io.Writer, rows []R) error {
	seen := ""
	return eachLine(w, rows, func(b *strings.Builder, r R) error {
		if id := l.id(r); id != seen { // rows of one image follow each other
			seen = id
			if !l.noTrunc && !l.whole {
				id = short(id)
			}
			b.WriteString(id)
		}
		return nil
	})
}

func (l *listing[R]) printTable(w io.Writer, rows []R) error {
	lines := make([][]string, 0, len(rows)+1)
	var elastic []int
	var head []string
	columns := slices.DeleteFunc(slices.Clone(l.columns), func(c column[R]) bool {
		return !slices.ContainsFunc(rows, func(r R) bool { return c.text(r) != "" }) && len(rows) > 0
	})
	for n, c := range columns {
		head = append(head, c.head)
		if c.elastic && !l.noTrunc {
			elastic = append(elastic, n)
		}
	}
	if !l.noHead {
		lines = append(lines, head)
	}
	for _, r := range rows {
		var line []string
		for _, c := range columns {
			line = append(line, c.text(r))
		}
		lines = append(lines, line)
	}
	return writeTable(w, lines, elastic...)
}

// eachLine writes what one gives for each row as a line, unless that is nothing.
func eachLine[R any](w io.Writer, rows []R, one func(*strings.Builder, R) error) error {
	var b strings.Builder
	for _, r := range rows {
		before := b.Len()
		if err := one(&b, r); err != nil {
			return templateError(err, r)
		}
		if b.Len() > before {
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func parseTemplate(text string) (*template.Template, error) {
	if !strings.Contains(text, "{{") {
		return nil, usagef("--format %q: \"table\", \"json\" or a Go template was expected", text)
	}
	t, err := template.New("format").Funcs(template.FuncMap{
		"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
		"join": strings.Join, "lower": strings.ToLower, "upper": strings.ToUpper, "split": strings.Split,
	}).Parse(unescape(text))
	if err != nil {
		return nil, usagef("--format: %s", strings.Replace(err.Error(), "template: format:", "line ", 1))
	}
	return t, nil
}

// unescape does with \t and \n what the shell does not.
func unescape(text string) string {
	return strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(text)
}

// printJSON prints for people and programs alike.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printOne prints a single value: JSON, or by a template.
func printOne(w io.Writer, format string, v any) error {
	if format == "json" || format == "" {
		return printJSON(w, v)
	}
	t, err := parseTemplate(format)
	if err != nil {
		return err
	}
	return eachLine(w, []any{v}, func(b *strings.Builder, v any) error {
		return t.Execute(b, v)
	})
}

// templateError is about a template that does not fit v, and says what would.
func templateError(err error, v any) error {
	_, what, ok := strings.Cut(err.Error(), `executing "format" at `)
	if !ok {
		what = err.Error()
	}
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return usagef("--format: %s", what)
	}
	var fields []string
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() {
			fields = append(fields, f.Name)
		}
	}
	return usagef("--format: %s: the fields are %s", what, strings.Join(fields, ", "))
}
