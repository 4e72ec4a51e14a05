package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fruit is a row, of which several may belong to one id.
type fruit struct {
	ID, Name string
	Colours  []string
	WeightKG int
}

func fruits() *listing[fruit] {
	return &listing[fruit]{
		format: "table",
		id:     func(f fruit) string { return f.ID },
		columns: []column[fruit]{
			{"NAME", true, func(f fruit) string { return f.Name }},
			{"ID", false, func(f fruit) string { return short(f.ID) }},
		},
	}
}

var basket = []fruit{
	{"0123456789abcdef", "apple", []string{"red", "green"}, 1},
	{"0123456789abcdef", "pomme", []string{"red", "green"}, 1},
	{"0123456789ab0000", "pear", nil, 2},
}

func TestListing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		set  func(*listing[fruit])
		rows []fruit
		want string
	}{
		{"table", func(*listing[fruit]) {}, basket[:1], "NAME    ID\napple   0123456789ab\n"},
		{"empty format", func(l *listing[fruit]) { l.format = "" }, nil, "NAME   ID\n"},
		{"no heading", func(l *listing[fruit]) { l.noHead = true }, basket[:1], "apple   0123456789ab\n"},
		{"no rows, no heading", func(l *listing[fruit]) { l.noHead = true }, nil, ""},
		{"quiet names each id once", func(l *listing[fruit]) { l.quiet = true }, basket, "0123456789ab\n0123456789ab\n"},
		{"quiet and in full", func(l *listing[fruit]) { l.quiet, l.noTrunc = true, true }, basket, "0123456789abcdef\n0123456789ab0000\n"},
		{"quiet beats the format", func(l *listing[fruit]) { l.quiet, l.format = true, "{{.Name}}" }, basket[:1], "0123456789ab\n"},
		{"json of nothing", func(l *listing[fruit]) { l.format = "json" }, nil, "[]\n"},
		{"template", func(l *listing[fruit]) { l.format = "{{.Name}}" }, basket, "apple\npomme\npear\n"},
		{"template that gives nothing", func(l *listing[fruit]) { l.format = "{{range .Colours}}{{.}} {{end}}" }, basket[1:], "red green \n"},
		{"template with a line feed", func(l *listing[fruit]) { l.format = `{{.Name}}\n-` }, basket[:1], "apple\n-\n"},
		{
			"template as table", func(l *listing[fruit]) { l.format = `table {{.ID}}\t{{.Name}}` }, basket[:1],
			"ID                 NAME\n0123456789abcdef   apple\n",
		},
		{"template as table, real tab", func(l *listing[fruit]) { l.format = "table {{.Name}}\t{{.Name}}" }, nil, "NAME   NAME\n"},
		{"template as table, no heading", func(l *listing[fruit]) { l.format, l.noHead = `table {{.Name}}`, true }, basket[:1], "apple\n"},
		{"functions", func(l *listing[fruit]) { l.format = `{{join .Colours "+"}} {{json .Colours}} {{upper .Name}}` }, basket[:1], "red+green [\"red\",\"green\"] APPLE\n"},
		{"functions that split", func(l *listing[fruit]) { l.format = `{{index (split .Name "p") 0}} {{lower "X"}}` }, basket[:1], "a x\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := fruits()
			tt.set(l)
			var b bytes.Buffer
			if err := l.print(&b, tt.rows); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestListingWrongUsage: nothing is printed of what cannot be printed whole.
func TestListingWrongUsage(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]string{
		"no template":               "yaml",
		"unclosed":                  "{{.Name",
		"no such field":             "{{.Nope}}",
		"no such field, in a table": "table {{.Nope}}",
		"fails in a later row":      "{{index .Colours 0}}",
		"no such function":          "{{env .Name}}",
		"table of nothing":          "table Name",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fruits()
			l.format = format
			var b bytes.Buffer
			err := l.print(&b, basket)
			if usage := (usageError{}); !errors.As(err, &usage) {
				t.Errorf("got %v, want wrong usage", err)
			}
			if b.Len() > 0 {
				t.Errorf("printed %q", &b)
			}
		})
	}
	t.Run("no such field, no rows", func(t *testing.T) {
		t.Parallel()
		for _, format := range []string{"{{.Nope}}", "table {{.Nope}}", "{{.Name.Nope}}"} {
			l := fruits()
			l.format = format
			var b bytes.Buffer
			err := l.print(&b, nil)
			if usage := (usageError{}); !errors.As(err, &usage) || b.Len() > 0 {
				t.Errorf("%s: got %v and %q, want wrong usage", format, err, &b)
			}
		}
	})
}

func TestPrintOne(t *testing.T) {
	t.Parallel()
	v := &fruit{ID: "1", Name: "<apple> & \x1b"}
	for format, want := range map[string]string{
		"":           "{\n  \"ID\": \"1\",\n  \"Name\": \"<apple> & \\u001b\",\n  \"Colours\": null,\n  \"WeightKG\": 0\n}\n",
		"json":       "{\n  \"ID\": \"1\",\n  \"Name\": \"<apple> & \\u001b\",\n  \"Colours\": null,\n  \"WeightKG\": 0\n}\n",
		"{{.ID}}":    "1\n",
		"{{.ID}}\\n": "1\n\n",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := printOne(&b, format, v); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, format := range []string{"yaml", "{{.Nope}}", "{{"} {
		t.Run("wrong usage "+format, func(t *testing.T) {
			t.Parallel()
			err := printOne(new(bytes.Buffer), format, v)
			if usage := (usageError{}); !errors.As(err, &usage) {
				t.Errorf("got %v, want wrong usage", err)
			}
		})
	}
}

// TestHeadings: those of the table's own columns, whatever the template does to the
// fields.
func TestHeadings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{.ID}}\t{{.Name}}`:                           "FRUIT ID   NAME\n",
		"{{ .ID }}\t{{.Name}}":                         "FRUIT ID   NAME\n",
		"{{.ID}} {{.Name}}":                            "FRUIT ID   NAME\n",
		"  {{.ID}}   {{.WeightKG}}":                    "FRUIT ID   WEIGHT KG\n",
		"{{.ID}}:{{.Name}}":                            "FRUIT ID:NAME\n",
		"{{.Colours}} {{json .Colours}}":               "COLOURS   [\"COLOURS\"]\n",
		`{{join .Colours ", "}} {{upper .Name}}`:       "COLOURS   NAME\n",
		"{{range .Colours}}{{.}}{{end}} {{.Name}}":     "COLOURS   NAME\n",
		"{{slice .Name 0 20}} {{.ID}}":                 "NAME   FRUIT ID\n",
		"{{.ID}} {{if gt .WeightKG 3}}heavy{{end}}":    "FRUIT ID   WEIGHT KG\n",
		"{{.ID}} {{index .Colours 1}} {{.Name | len}}": "FRUIT ID   COLOURS   NAME\n",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			l := fruits()
			l.format = "table " + text
			l.heads = map[string]string{"ID": "FRUIT ID"}
			var b bytes.Buffer
			if err := l.print(&b, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":               "plain",
		"joined\nof two":      "joined; of two",
		"ends with one\n":     "ends with one",
		"a\x1b]0;title\x07":   `a\x1b]0;title\a`,
		"back\rto the start":  `back\rto the start`,
		"\u202eright to left": `\u202eright to left`,
		"größe …":             "größe …",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
}
