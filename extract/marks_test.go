package extract

import (
	"strconv"
	"testing"
	"time"
)

// marked has marks of victims in the root, and one of a directory "d" itself.
func marked(victims ...string) *extraction {
	root := &marks{at: map[string]int{}}
	for _, v := range victims {
		root.add(mark{base: ".wh." + v, victim: v})
	}
	d := &marks{at: map[string]int{}}
	d.add(mark{base: ".wh..wh..opq"})
	return &extraction{marks: map[string]*marks{".": root, "d": d}}
}

// TestMarks: which names are those of marks, and which directories they make opaque.
func TestMarks(t *testing.T) {
	t.Parallel()
	x := marked("a", "b", "a")
	if n := len(x.marks["."].list); n != 2 {
		t.Errorf("%d marks", n)
	}
	for name, want := range map[string]struct{ opaque, mark bool }{
		"a": {true, true}, "b": {true, true}, "d": {true, false}, "c": {}, ".": {}, "a/a": {}, "d/a": {},
		".wh.a": {false, true}, ".wh.c": {}, ".wh.": {}, "d/.wh.": {}, ".wh..wh.a": {},
		"d/.wh..wh..opq": {false, true}, ".wh..wh..opq": {}, "a/.wh..wh..opq": {},
	} {
		if opaque, mark := x.isOpaque(name), x.isMark(name); opaque != want.opaque || mark != want.mark {
			t.Errorf("%s: opaque %v, mark %v", name, opaque, mark)
		}
	}
}

// TestManyMarks: many marks and many directories beside them take no time that grows with
// both.
func TestManyMarks(t *testing.T) {
	t.Parallel()
	var names []string
	for n := range 100_000 {
		names = append(names, strconv.Itoa(n))
	}
	x := marked(names...)
	began := time.Now()
	for _, name := range names {
		if x.isOpaque("x"+name) || x.isMark("x"+name) {
			t.Fatalf("x%s is marked", name)
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("it takes too long: 10 s until x%s", name)
		}
	}
}
