package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWriteTable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		lines [][]string
		want  string
	}{
		{"nothing", nil, ""},
		{"one cell", [][]string{{"A"}}, "A\n"},
		{"aligned", [][]string{{"NAME", "SIZE"}, {"a", "1 B"}, {"longer", "2 kB"}}, "NAME     SIZE\na        1 B\nlonger   2 kB\n"},
		{"no blanks at the end", [][]string{{"A", "B", "C"}, {"1", "", ""}, {"", "", "3"}}, "A   B   C\n1\n        3\n"},
		{"empty column", [][]string{{"", "B"}, {"", "2"}}, "   B\n   2\n"},
		{"lines of different length", [][]string{{"A"}, {"1", "2"}, {}}, "A\n1   2\n\n"},
		{"letters, not bytes", [][]string{{"größe", "x"}, {"abcde", "y"}}, "größe   x\nabcde   y\n"},
		{"not UTF-8", [][]string{{"caf\xe9", "x"}, {"abcd", "y"}}, `caf\xe9   x` + "\nabcd      y\n"},
		{"control characters", [][]string{{"a\x1b[1mb\n", "x"}, {"\x7f\u200e", "y"}}, `a\x1b[1mb\n   x` + "\n" + `\x7f\u200e    y` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := writeTable(&b, tt.lines, 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteTableError(t *testing.T) {
	t.Parallel()
	if err := writeTable(brokenWriter{}, [][]string{{"a"}}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want what the writer said", err)
	}
}

// TestWriteTableOnTerminal: elastic columns give way one after the other, down to twelve
// characters, and are never made narrower than they have to be.
func TestWriteTableOnTerminal(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("registry.example.com/", 3) + "größe"
	for _, tt := range []struct {
		name    string
		columns int
		elastic []int
		lines   [][]string
		want    string
	}{
		{"wide enough", 200, []int{0}, [][]string{{long, "1"}}, long + "   1\n"},
		{"cut to fit", 40, []int{0}, [][]string{{"NAME", "SIZE"}, {long, "1 B"}}, "NAME" + strings.Repeat(" ", 32) + "SIZE\n" + long[:32] + "…   1 B\n"},
		{"exactly", 72, []int{0}, [][]string{{long, "123"}}, long[:65] + "…   123\n"},
		{"not below twelve", 10, []int{0}, [][]string{{long, "123"}}, long[:11] + "…   123\n"},
		{"nothing elastic", 10, nil, [][]string{{long, "123"}}, long + "   123\n"},
		{"a narrow elastic column stays narrow", 10, []int{0}, [][]string{{"abc", "0123456789"}}, "abc   0123456789\n"},
		{"the first gives way first", 40, []int{2, 0}, [][]string{{long, "1", long}}, long[:20] + "…   1   " + long[:11] + "…\n"},
		{"the second is not needed", 100, []int{2, 0}, [][]string{{long, "1", long}}, long + "   1   " + long[:24] + "…\n"},
		{"no width known", 0, []int{0}, [][]string{{long, "1"}}, long + "   1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newTerminal(t, 24, tt.columns)
			if err := writeTable(d.tty, tt.lines, tt.elastic...); err != nil {
				t.Fatal(err)
			}
			d.close(t)
			got := strings.ReplaceAll(d.out.String(), "\r\n", "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"größe", 5, "größe"},
		{"größer", 5, "größ…"},
		{"日本語", 2, "日…"},
		{"a", 1, "a"},
		{"ab", 1, "…"},
		{"", 0, ""},
	} {
		got := cut(tt.text, tt.n)
		if got != tt.want || utf8.RuneCountInString(got) > tt.n {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}
