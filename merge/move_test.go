package merge

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestMoves: directories that overlay has renamed take along what the layers below show
// under their old names.
func TestMoves(t *testing.T) {
	t.Parallel()
	const base = `d a; f a/x; d a/b; f a/b/y; f c`
	for _, c := range []struct {
		name   string
		layers []string
		want   string
	}{
		{"a directory", []string{base, `d z /a; w a`}, `f c 0.4; d z 1.0; d z/b 0.2; f z/b/y 0.3 file=a/b/y; f z/x 0.1 file=a/x`},
		{"by a name beside it", []string{base, `d z a; w a`}, `f c 0.4; d z 1.0; d z/b 0.2; f z/b/y 0.3 file=a/b/y; f z/x 0.1 file=a/x`},
		{"the whiteout comes first", []string{base, `w a; d z a`}, `f c 0.4; d z 1.1; d z/b 0.2; f z/b/y 0.3 file=a/b/y; f z/x 0.1 file=a/x`},
		{"into a new directory", []string{base, `d n; o n; d n/z /a/b; w a/b`}, `d a 0.0; f a/x 0.1; f c 0.4; d n 1.0; d n/z 1.2; f n/z/y 0.3 file=a/b/y`},
		{"one in a moved one", []string{base, `d z a; d z/q b; w z/b; w a`}, `f c 0.4; d z 1.0; d z/q 1.1; f z/q/y 0.3 file=a/b/y; f z/x 0.1 file=a/x`},
		{"one that leaves a moved one", []string{base, `d q /a/b; d z a; w z/b; w a`}, `f c 0.4; d q 1.0; f q/y 0.3 file=a/b/y; d z 1.1; f z/x 0.1 file=a/x`},
		{"and the layer's own", []string{base, `d z a; f z/x; w z/b; f z/new; w a`}, `f c 0.4; d z 1.0; f z/new 1.3; f z/x 1.1`},
		{"into its own directory's place", []string{base, `d a /a/b`}, `d a 1.0; f a/y 0.3 file=a/b/y; f c 0.4`},
		{"two change places", []string{`f a/x; f b/y`, `d a b; d b a`}, `d a 1.0; f a/y 0.1 file=b/y; d b 1.1; f b/x 0.0 file=a/x`},
		{"where a directory is below", []string{base, `f z/old`, `d z a; w a`}, `f c 0.4; d z 2.0; d z/b 0.2; f z/b/y 0.3 file=a/b/y; f z/x 0.1 file=a/x`},
		{"of several layers", []string{base, `f a/x; w a/b`, `d z a; w a`}, `f c 0.4; d z 2.0; f z/x 1.0 file=a/x`},
		{"twice, in two layers", []string{base, `d z a; w a`, `d q z; w z`}, `f c 0.4; d q 2.0; d q/b 0.2; f q/b/y 0.3 file=a/b/y; f q/x 0.1 file=a/x`},
		{"what is moved is changed above", []string{base, `d z a; w a`, `f z/x; w z/b/y`}, `f c 0.4; d z 1.0; d z/b 0.2; f z/x 2.0`},
		{"and deleted", []string{base, `d z a; w a`, `w z`}, `f c 0.4`},
		{"a directory in it that no header names", []string{`f a/b/x`, `d z a; w a`}, `d z 1.0; d z/b -; f z/b/x 0.0 file=a/b/x`},
		{"a directory that is not renamed, in one that is", []string{base, `d z a; d z/b; f z/b/q; w a`}, `f c 0.4; d z 1.0; d z/b 1.1; f z/b/q 1.2; f z/b/y 0.3 file=a/b/y; f z/x 0.1 file=a/x`},
		{"names of one file", []string{`d a; f a/x; h a/y a/x; h out a/x`, `d z a; w a`}, `f out 0.1; d z 1.0; f z/x 0.1 file=a/x =out; f z/y 0.1 file=a/y =out`},
		{"links in it are as they were", []string{`d a; l a/l x`, `d z a; w a`}, `d z 1.0; l z/l 0.1 x`},
		{"and the layer replaces one first", []string{`f a/x`, `f a/x; d z a`}, `d a -; f a/x 1.0; d z 1.1; f z/x 0.0 file=a/x`},
		{"and the layer describes one first", []string{`d a; d a/b`, `d a/b; d z a`}, `d a 0.0; d a/b 1.0; d z 1.1; d z/b 0.1`},
		{"a file that the layer gives another name", []string{`d a; f a/x`, `h b a/x; d z a; w a`}, `f b 0.1 file=a/x; d z 1.1; f z/x 0.1 file=a/x =b`},
		{"to nothing", []string{base, `d z /gone; f z/n`}, `d a 0.0; d a/b 0.2; f a/b/y 0.3; f a/x 0.1; f c 0.4; d z 1.0; f z/n 1.1`},
		{"to a file", []string{base, `d z c`}, `d a 0.0; d a/b 0.2; f a/b/y 0.3; f a/x 0.1; f c 0.4; d z 1.0`},
		{"to what a layer between deletes", []string{base, `w a`, `d z a`}, `f c 0.4; d z 2.0`},
		{"to what a layer between hides", []string{base, `o a; f a/n`, `d z a; w a`}, `f c 0.4; d z 2.0; f z/n 1.1 file=a/n`},
		{"through a link, which is none", []string{base + `; l s a`, `d z /s/b`}, `d a 0.0; d a/b 0.2; f a/b/y 0.3; f a/x 0.1; f c 0.4; l s 0.5 a; d z 1.0`},
		{"in the base", []string{`d z /a; f z/x`}, `d z 0.0; f z/x 0.1`},
		{"an opaque one: the mark has no meaning", []string{base, `d z a; o z; f z/n`}, `d a 0.0; d a/b 0.2; f a/b/y 0.3; f a/x 0.1; f c 0.4; d z 1.0; f z/n 1.2`},
		{"the name is taken twice", []string{`f a/x`, `d y a; d z a`}, `d a -; f a/x 0.0; d y 1.0; f y/x 0.0 file=a/x; d z 1.1; f z/x 0.0 file=a/x`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			same(t, shown(build(t, c.layers...)), lines(c.want))
		})
	}
}

// TestBadMoves: what the kernel refuses, and what would take memory without end.
func TestBadMoves(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"..", "/..", "/a/../b", ".", "/", "//a", "/a/", "a/b", "/a//b", "/" + strings.Repeat("a/", 2100) + "a"} {
		_, err := Build(t.Context(), sequences(stack(t, `f a/x`, `d z "`+to+`"`)), Options{})
		if entry := (*EntryError)(nil); !errors.As(err, &entry) || entry.Layer != 1 || entry.Name != "z" || !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%.20q: %v", to, err)
		}
	}
	_, err := Build(t.Context(), sequences(stack(t, `d z a`)), Options{Alone: true})
	if entry := (*EntryError)(nil); !errors.As(err, &entry) || entry.Name != "z" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("alone: %v", err)
	}
	// Each layer doubles what there is.
	layers := []string{`f a/x`}
	for range 60 {
		layers = append(layers, `d n; o n; d n/x /a; d n/y /a`, `d a n; w n`)
	}
	if _, err := Build(t.Context(), sequences(stack(t, layers...)), Options{MaxEntries: 100_000}); !errors.Is(err, ErrLimit) {
		t.Errorf("doubled: %v", err)
	}
	long := strings.Repeat("n/", 1500)
	deep := []string{`f a/` + long + `x`, `d ` + long + `a /a`}
	if _, err := Build(t.Context(), sequences(stack(t, deep...)), Options{}); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("deep: %v", err)
	}
}
