package merge

import (
	"errors"
	"testing"
)

// TestRules: what the package comment says, rule by rule.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		layers []string // base first
		want   string
	}{
		// One layer, unpacked.
		{"nothing", nil, ``},
		{"an empty layer", []string{``}, ``},
		{"one layer", []string{`d etc; f etc/x; l etc/y x`}, `d etc 0.0; f etc/x 0.1; l etc/y 0.2 x`},
		{"names are written in many ways", []string{`d ./; d /etc/; f ./etc/a; f etc//b; f x/../etc/c; f ../etc/d; f /../../etc/./e`}, `
			d . 0.0; d etc 0.1; f etc/a 0.2 file=./etc/a; f etc/b 0.3 file=etc//b; f etc/c 0.4 file=x/../etc/c
			f etc/d 0.5 file=../etc/d; f etc/e 0.6 file=/../../etc/./e`},
		{"names are bytes", []string{`f "\xff\x80"; f "a\x20b"; f "é"; f "a\nb"`}, `f "a\nb" 0.3; f "a b" 0.1; f é 0.2; f "\xff\x80" 0.0`},
		{"sorted by bytes, directory by directory", []string{`f b; f a/z; f a-; f a0; f B; f abcdefgh; f abcdefghi; f abcdefgg; f "abcdefgh\x00"`}, `
			f B 0.4; d a -; f a/z 0.1; f a- 0.2; f a0 0.3; f abcdefgg 0.7; f abcdefgh 0.5; f "abcdefgh\x00" 0.8; f abcdefghi 0.6; f b 0.0`},
		{"implied directories", []string{`f a/b/c`}, `d a -; d a/b -; f a/b/c 0.0`},
		{"an implied directory gets its header later", []string{`f a/b; d a`}, `d a 0.1; f a/b 0.0`},
		{"the later entry of a name counts", []string{`f a; l a x; e a`}, `e a 0.2`},
		{"directory over directory: later header, all children", []string{`d a; f a/x; d a; f a/y`}, `d a 0.2; f a/x 0.1; f a/y 0.3`},
		{"a file over a directory", []string{`d a; f a/x; f a`}, `f a 0.2`},
		{"a directory over a file", []string{`f a; d a; f a/x`}, `d a 0.1; f a/x 0.2`},
		{"a directory over a file over a directory", []string{`f a/x; f a; d a; f a/y`}, `d a 0.2; f a/y 0.3`},
		{"other types", []string{`c c; t6 p; t4 b; t7 s; tS g`}, `t4 b 0.2; c c 0.0; e g 0.4; t6 p 0.1; e s 0.3`},

		// Links in the way, in one layer.
		{"a link in the way", []string{`d d; l s d; f s/x`}, `d d 0.0; f d/x 0.2 file=s/x; l s 0.1 d`},
		{"an absolute link in the way", []string{`d d/e; l s /d/e; f s/x`}, `d d -; d d/e 0.0; f d/e/x 0.2 file=s/x; l s 0.1 /d/e`},
		{"a climbing link in the way", []string{`d a/b; l a/b/s ../../../../c; f a/b/s/x`}, `d a -; d a/b 0.0; l a/b/s 0.1 ../../../../c; d c -; f c/x 0.2 file=a/b/s/x`},
		{"links in links", []string{`l a b/c; l b d; l d/c e/.; f a/x/y`}, `l a 0.0 b/c; l b 0.1 d; d d -; l d/c 0.2 e/.; d d/e -; d d/e/x -; f d/e/x/y 0.3 file=a/x/y`},
		{"a link to the root", []string{`l s /; f s/s/s/x`}, `l s 0.0 /; f x 0.1 file=s/s/s/x`},
		{"the last component is not followed", []string{`d d; l s d; f s`}, `d d 0.0; f s 0.2`},
		{"a directory replaces a link", []string{`d d; l s d; d s; f s/x`}, `d d 0.0; d s 0.2; f s/x 0.3`},
		{"a link that changes", []string{`d a; d b; l s a; f s/x; l s b; f s/x`}, `d a 0.0; f a/x 0.3 file=s/x; d b 0.1; f b/x 0.5 file=s/x; l s 0.4 b`},
		{"a link in place of a directory", []string{`f s/x; l s d; f s/x`}, `d d -; f d/x 0.2 file=s/x; l s 0.1 d`},
		{"a link of a lower layer is not followed, but hidden", []string{`d d; f d/x; l s d`, `f s/y`}, `d d 0.0; f d/x 0.1; d s -; f s/y 1.0`},
		{"an empty link leads nowhere else", []string{`l d/s ""; f d/s/x`}, `d d -; l d/s 0.0; f d/x 0.1 file=d/s/x`},
		{"a hard link to a link in the way", []string{`l a/s d; h b/s a/s; f b/s/x`}, `d a -; l a/s 0.0 d; d b -; d b/d -; f b/d/x 0.2 file=b/s/x; l b/s 0.0 d =a/s`},

		// Layers over each other.
		{"files over files", []string{`f a; f b`, `f a`, `f c`}, `f a 1.0; f b 0.1; f c 2.0`},
		{"directories merge", []string{`d d; f d/a; f d/b`, `d d; f d/b; f d/c`}, `d d 1.0; f d/a 0.1; f d/b 1.1; f d/c 1.2`},
		{"an implied directory has the header below", []string{`d d; f d/a`, `f d/b`, `f d/c`}, `d d 0.0; f d/a 0.1; f d/b 1.0; f d/c 2.0`},
		{"of several the highest", []string{`d d`, `d d`, `f d/c`}, `d d 1.0; f d/c 2.0`},
		{"likewise the root", []string{`d ./`, `d /`, `f a`}, `d . 1.0; f a 2.0`},
		{"implied in all layers", []string{`f d/a`, `f d/b`}, `d d -; f d/a 0.0; f d/b 1.0`},
		{"a directory over a file hides it", []string{`f a`, `d a`}, `d a 1.0`},
		{"and stops merging", []string{`d a; f a/x`, `f a`, `d a; f a/y`}, `d a 2.0; f a/y 2.1`},
		{"so does an implied one", []string{`d a; f a/x`, `f a`, `f a/y`}, `d a -; f a/y 2.0`},
		{"a file over a directory hides all of it", []string{`d a; f a/x/y`, `f a`}, `f a 1.0`},
		{"a link over a directory hides all of it", []string{`d a; f a/x`, `l a b`}, `l a 1.0 b`},
		{"a device 0:0 is a device", []string{`f a`, `c a`}, `c a 1.0`},

		// Whiteouts.
		{"a whiteout", []string{`f a; f b`, `w a`}, `f b 0.1`},
		{"of a directory", []string{`f a/x/y; f b`, `w a`}, `f b 0.1`},
		{"in a directory", []string{`d d; f d/a; f d/b`, `w d/a`}, `d d 0.0; f d/b 0.2`},
		{"of nothing", []string{`f a`, `w b`}, `f a 0.0`},
		{"in the base", []string{`w a; f a; w b`}, `f a 0.1`},
		{"of a file in the same layer", []string{`f a`, `w a; f a`}, `f a 1.1`},
		{"whatever the order", []string{`f a`, `f a; w a`}, `f a 1.0`},
		{"of a directory in the same layer: no merging", []string{`d a; f a/x`, `w a; d a; f a/y`}, `d a 1.1; f a/y 1.2`},
		{"whatever the order, for directories", []string{`d a; f a/x`, `d a; f a/y; w a`}, `d a 1.0; f a/y 1.1`},
		{"of an implied directory: no header from below", []string{`d a; f a/x`, `f a/y; w a`}, `d a -; f a/y 1.0`},
		{"twice", []string{`f a`, `w a; w a`}, ``},
		{"under a whiteout", []string{`d a; f a/x; f b`, `w a; w a/x; w a/y/z`}, `f b 0.2`},
		{"under a whiteout that comes later", []string{`d a; f a/x; f b`, `w a/x; w a/y/z; o a/y; w a`}, `f b 0.2`},
		{"under a whiteout, beside a file", []string{`d a; f a/x`, `w a; w a/x; f a/y`}, `d a -; f a/y 1.2`},
		{"under a whiteout, behind a link", []string{`d a; f a/x`, `l s a; w a; f s/y`}, `d a -; f a/y 1.2 file=s/y; l s 1.0 a`},
		{"implies its directory", []string{`f b`, `w a/x`}, `d a -; f b 0.0`},
		{"which hides a file", []string{`f a`, `w a/x`}, `d a -`},
		{"in what is a file of the layer", []string{`d a; f a/x`, `f a; w a/x; o a`}, `f a 1.0`},
		{"in a directory that is replaced", []string{`d a; f a/x; f a/y`, `w a/x; f a; d a`}, `d a 1.2; f a/x 0.1; f a/y 0.2`},
		{"behind a link of the layer", []string{`d d; f d/x`, `l s d; w s/x`}, `d d 0.0; l s 1.0 d`},
		{"behind a link that a directory replaces", []string{`f d/x`, `l s d; w s/x; d s`}, `d d -; d s 1.2`},
		{"through several layers", []string{`f a`, `w a`, `f a`, `w a`, `f b`}, `f b 4.0`},
		{"and back", []string{`d a; f a/x`, `w a`, `d a; f a/y`}, `d a 2.0; f a/y 2.1`},
		{"names that hide nothing", []string{`f a; f .wh; f x`, `f .wh.; f .wh..; f .wh...; f .wh..wh.a; f .wh..wh.; f .wh..wh..opqx; f ".wh..wh..wh.x"`}, `f .wh 0.1; f a 0.0; f x 0.2`},
		{"any type", []string{`f a; f b; f c; f d; f e`, `d .wh.a; l .wh.b x; h .wh.c .wh.a; c .wh.d; tx .wh.e`}, ``},
		{"a slash behind", []string{`f a; f d/b`, `d .wh.a/; d d/.wh.b/`}, `d d -`},
		{"of the root, and climbing", []string{`f a; f b`, `w ../../b; f /.wh.; f ../.wh..; w ../x`}, `f a 0.0`},
		{"of a name as long as can be", []string{`f a`, `w ` + name255 + `x; w ` + name255}, `f a 0.0`},
		{"a directory of that name is not there", []string{`f a; f .wh.x/y; f .wh..wh.plnk/z; d b/.wh.c/d`, `f .wh.a/b; w .wh.x/y`}, `f a 0.0; d b -`},
		{"links that AUFS left", []string{`f .wh..wh.plnk/12.34; h a .wh..wh.plnk/12.34; h b a`}, `f a 0.0; f b 0.0 =a`},

		// Opaque directories.
		{"opaque", []string{`d a; f a/x; d a/b; f a/b/y; f c`, `d a; o a; f a/z`}, `d a 1.0; f a/z 1.2; f c 0.4`},
		{"whatever the order, if opaque", []string{`f a/x`, `f a/z; o a; d a`}, `d a 1.2; f a/z 1.0`},
		{"opaque without a header: that of below", []string{`d a; f a/x`, `o a`}, `d a 0.0`},
		{"opaque, of nothing", []string{`f b`, `o a`}, `d a -; f b 0.0`},
		{"opaque, of a file", []string{`f a`, `o a`}, `d a -`},
		{"opaque root", []string{`d ./; f a; f b/c`, `f x; o .`, `f y`}, `d . 0.0; f x 1.0; f y 2.0`},
		{"opaque below opaque", []string{`f a/b/x; f a/y`, `o a; o a/b; f a/b/z`}, `d a -; d a/b -; f a/b/z 1.2`},
		{"opaque with whiteouts", []string{`f a/x; f a/y`, `w a/x; o a; w a/y; f a/y`}, `d a -; f a/y 1.3`},
		{"opaque twice", []string{`f a/x`, `o a; o a; f a/y`, `o a; f a/z`}, `d a -; f a/z 2.1`},
		{"opaque in a layer between", []string{`d a; f a/x`, `o a`, `f a/y`}, `d a 0.0; f a/y 2.0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			same(t, shown(build(t, c.layers...)), lines(c.want))
		})
	}
}

// TestHardLinks: all names of a file are equal, and which are left does not matter.
func TestHardLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		layers []string
		want   string
	}{
		{"two names", []string{`f a; h b a`}, `f a 0.0; f b 0.0 =a`},
		{"the first in order counts", []string{`f b; h a b; h c ./b`}, `f a 0.0; f b 0.0 =a; f c 0.0 =a`},
		{"a link to a link", []string{`f a; h b a; h c b`}, `f a 0.0; f b 0.0 =a; f c 0.0 =a`},
		{"an empty file", []string{`e a; h b a`}, `e a 0.0; e b 0.0 =a`},
		{"to a symbolic link: that is not followed", []string{`f x; l a x; h b a`}, `l a 0.1 x; l b 0.1 x =a; f x 0.0`},
		{"to a device", []string{`c a; h b a`}, `c a 0.0; c b 0.0 =a`},
		{"links in the way to the target", []string{`f d/a; l s d; h b s/a`}, `f b 0.0; d d -; f d/a 0.0 =b; l s 0.1 d`},
		{"the name as written", []string{`f ./a; h ./b ./a`}, `f a 0.0 file=./a; f b 0.0 file=./b =a`},
		{"to itself", []string{`f a; h a a`}, `f a 0.0`},
		{"instead of a file", []string{`f a; f b; h b a`}, `f a 0.0; f b 0.0 =a`},
		{"instead of a directory", []string{`f a; f b/x; h b a`}, `f a 0.0; f b 0.0 =a`},
		{"instead of the directory that the target is in", []string{`f a/x; h a a/x`}, `f a 0.0`},
		{"a directory instead of a link", []string{`f a; h b a; d b; f b/x`}, `f a 0.0; d b 0.2; f b/x 0.3`},
		{"the target replaced later", []string{`f a; h b a; f a`}, `f a 0.2; f b 0.0`},
		{"the target before the link counts", []string{`f a; h b a; f a; h c a`}, `f a 0.2; f b 0.0; f c 0.2 =a`},

		{"the first name deleted above", []string{`f a; h b a; h c a`, `w a`}, `f b 0.0; f c 0.0 =b`},
		{"replaced above", []string{`f a; h b a`, `f a`}, `f a 1.0; f b 0.0`},
		{"a further name replaced above", []string{`f a; h b a`, `f b`, `w a`}, `f b 1.0`},
		{"all replaced", []string{`f a; h b a`, `f a; h b a`}, `f a 1.0; f b 1.0 =a`},
		{"files and links instead of each other", []string{`f a; h b a`, `f b; h a b`}, `f a 1.0; f b 1.0 =a`},
		{"in a deleted directory", []string{`f d/a; h e/b d/a`, `w d`}, `d e -; f e/b 0.0`},

		{"the target comes later", []string{`h b a; f a`}, `f a 0.1; f b 0.1 =a`},
		{"much later", []string{`h c b; h b a; h d c; f a`}, `f a 0.3; f b 0.3 =a; f c 0.3 =a; f d 0.3 =a`},
		{"later, and replaced", []string{`h b a; f a; f a`}, `f a 0.2; f b 0.2 =a`},
		{"to nothing, but replaced", []string{`h b a; f b; h d/x a; f d`}, `f b 0.1; f d 0.3`},
		{"to nothing, and in a directory that is replaced", []string{`h d/e/x a; f d`}, `f d 0.1`},
		{"to nothing, replaced by such a link", []string{`f z`, `h b a; f b; h b z`}, `f b 0.0 file=z; f z 0.0 =b`},

		{"to a file below", []string{`f a`, `h b a`}, `f a 0.0; f b 0.0 file=a =a`},
		{"to a file below that has another name in the tar", []string{`f ./d/a`, `h b a; l a d/a; h c d/a`}, `l a 1.1 d/a; l b 1.1 d/a =a; f c 0.0 file=./d/a; d d -; f d/a 0.0 file=./d/a =c`},
		{"to a file below that the layer deletes", []string{`f a`, `h b a; w a`}, `f b 0.0 file=a`},
		{"to a file below in whose place the layer has another", []string{`d d; f d/a; l s d`, `f d/a; h b s/a`}, `f b 0.1 file=d/a; d d 0.0; f d/a 1.0; l s 0.2 d`},
		{"that it hides otherwise", []string{`f d/a; f d/b`, `h b d/a; o d; h c d/b`}, `f b 0.0 file=d/a; f c 0.1 file=d/b; d d -`},
		{"that a layer above deletes", []string{`f a`, `h b a`, `w a`}, `f b 0.0 file=a`},
		{"to one far below", []string{`f a`, `f x`, `h b a`, `h c b`}, `f a 0.0; f b 0.0 file=a =a; f c 0.0 file=a =a; f x 1.0`},
		{"to one that has been linked below", []string{`f a; h b a`, `w a`, `h c b`}, `f b 0.0; f c 0.0 file=b =b`},
		{"by links of the layers below", []string{`f d/a; l s d`, `l t s`, `h b t/a`}, `f b 0.0 file=d/a; d d -; f d/a 0.0 =b; l s 0.1 d; l t 1.0 s`},
		{"to a symbolic link below", []string{`l a x`, `h b a`}, `l a 0.0 x; l b 0.0 x =a`},
		{"two to one below", []string{`f a`, `h b a; h c a; h d b`}, `f a 0.0; f b 0.0 file=a =a; f c 0.0 file=a =a; f d 0.0 file=a =a`},
		{"to its own name", []string{`f a`, `h a a`}, `f a 0.0`},
		{"in a circle: the last leads below", []string{`f a; f b; f c`, `h a b; h b c; h c a`}, `f a 0.2 file=c; f b 0.2 file=c =a; f c 0.2 =a`},
		{"the layer's own file comes first", []string{`f a`, `h b a; f a`}, `f a 1.1; f b 1.1 =a`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			same(t, shown(build(t, c.layers...)), lines(c.want))
		})
	}
}

// TestAlone: the layers below are not given.
func TestAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		layer string
		want  string
	}{
		{"a target that is there", `f a; h b a`, `f a 0.0; f b 0.0 =a`},
		{"one that comes later", `h b a; f a`, `f a 0.1; f b 0.1 =a`},
		{"one that is not", `f a; h d/b gone/x`, `f a 0.0; d d -; t1 d/b 0.1 gone/x`},
		{"several names of it", `h b /x; h c x; h d c`, `t1 b 0.0 /x; t1 c 0.1 x; t1 d 0.1 x =c`},
		{"one of them first", `h b c; h c x`, `t1 b 0.1 x; t1 c 0.1 x =b`},
		{"replaced", `h b x; f b`, `f b 0.1`},
		{"deleted with its directory", `h d/b x; f d`, `f d 0.1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree, err := Build(t.Context(), sequences(stack(t, c.layer)), Options{Alone: true})
			if err != nil {
				t.Fatal(err)
			}
			same(t, shown(tree), lines(c.want))
		})
	}
	for _, layer := range []string{`h a a`, `h a b; h b a`, `h a /`, `d d; h a d`} {
		_, err := Build(t.Context(), sequences(stack(t, layer)), Options{Alone: true})
		if entry := (*EntryError)(nil); !errors.As(err, &entry) || entry.Name != "a" || !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %v", layer, err)
		}
	}
	// Of a layer that has others below it here, nothing is excused.
	if _, err := Build(t.Context(), sequences(stack(t, `f a`, `h b x`)), Options{Alone: true}); !errors.Is(err, ErrTarget) {
		t.Error(err)
	}
}
