package main

import (
	"reflect"
	"regexp"
	"strings"
	"text/template"
	"unicode"
)

// blanks between what a template prints: in a table they part columns, as in
// podman's.
var blanks = regexp.MustCompile(`}} +{{`)

// named are the fields that a template names.
var named = regexp.MustCompile(`\.[A-Z][A-Za-z]*`)

// heading stands in for any field when a template is executed to give the heading of
// its table: a text that can be joined and ranged over as well.
type heading []string

func (h heading) String() string { return h[0] }

// headings are what a table by template t, whose text is given, has above its
// columns: the template itself with headings in place of a row's fields.
func (l *listing[R]) headings(t *template.Template, text string) []string {
	fields := map[string]any{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[R]()) {
		if !f.IsExported() {
			continue
		}
		head, ok := l.heads[f.Name]
		if !ok {
			head = spelt(f.Name)
		}
		if fields[f.Name] = head; f.Type.Kind() == reflect.Slice {
			fields[f.Name] = heading{head}
		}
	}
	var b strings.Builder
	if err := t.Execute(&b, fields); err == nil {
		return strings.Split(b.String(), "\t")
	}
	// It does to a field what can be done to no heading.
	var heads []string
	for cell := range strings.SplitSeq(text, "\t") {
		var head []string
		for _, name := range named.FindAllString(cell, -1) {
			switch v := fields[name[1:]].(type) {
			case string:
				head = append(head, v)
			case heading:
				head = append(head, v[0])
			}
		}
		heads = append(heads, strings.Join(head, " "))
	}
	return heads
}

// spelt is a field's name in capitals, a word for each of its words: DIFF ID.
func spelt(field string) string {
	var b strings.Builder
	small := false
	for _, r := range field {
		if small && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		small = unicode.IsLower(r)
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
