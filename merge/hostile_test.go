package merge

import (
	"archive/tar"
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cstor-go/cstor/tarsplit"
)

// TestBadEntries: what no layer can be unpacked with is an error that says which entry.
func TestBadEntries(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(name255+"/", 15) + name255 // 4095 bytes
	for _, c := range []struct {
		name   string
		layers []string
		layer  int
		entry  string
		err    error
	}{
		{"in a file", []string{`f a; f a/x`}, 0, "a/x", syscall.ENOTDIR},
		{"far below a file", []string{`f a; d a/x/y/z`}, 0, "a/x/y/z", syscall.ENOTDIR},
		{"in a file, by way of a link", []string{`f a; l s a; f s/x`}, 0, "s/x", syscall.ENOTDIR},
		{"in a device", []string{`f b`, `c a; f a/x`}, 1, "a/x", syscall.ENOTDIR},
		{"in a file that has just replaced the way to it", []string{`l l /; f l/l; f l/x`}, 0, "l/x", syscall.ENOTDIR},
		{"in a hard link to a file", []string{`f a; h b a; f b/x`}, 0, "b/x", syscall.ENOTDIR},
		{"in a hard link to a directory below", []string{`d a`, `h b a; f b/x`}, 1, "b/x", syscall.ENOTDIR},
		{"a file for a root", []string{`f /`}, 0, "/", syscall.EISDIR},
		{"a link for a root", []string{`l x/.. y`}, 0, "x/..", syscall.EISDIR},
		{"a hard link for a root", []string{`f a; h ./ a`}, 0, "./", syscall.EISDIR},

		{"a link to itself", []string{`l a a; f a/x`}, 0, "a/x", syscall.ELOOP},
		{"links in a circle", []string{`l a b; l b /c; l c ./a; f a/x`}, 0, "a/x", syscall.ELOOP},
		{"a link below itself", []string{`l a a/b; f a/x`}, 0, "a/x", syscall.ELOOP},
		{"41 links", []string{chain(41) + `;f l41/x`}, 0, "l41/x", syscall.ELOOP},
		{"a whiteout in a loop", []string{`f b`, `l a a; w a/x`}, 1, "a/.wh.x", syscall.ELOOP},
		{"a target in a loop", []string{`l a a; h x a/b`}, 0, "x", syscall.ELOOP},

		{"a long component", []string{`f ` + name255 + `n`}, 0, name255 + "n", syscall.ENAMETOOLONG},
		{"a long one implied", []string{`f a/` + name255 + `n/x`}, 0, "a/" + name255 + "n/x", syscall.ENAMETOOLONG},
		{"a long path", []string{`f a` + long}, 0, "a" + long, syscall.ENAMETOOLONG},
		{"a path that a link makes long", []string{`d ` + long[:4000] + `; l s ` + long[:4000] + `; f s/` + name255}, 0, "s/" + name255, syscall.ENAMETOOLONG},
		{"by one byte", []string{`l s ` + long[:4000] + `; f s/` + long[:95]}, 0, "s/" + long[:95], syscall.ENAMETOOLONG},
		{"a link that makes the way long", []string{`l s ` + long + `; f s/x`}, 0, "s/x", syscall.ENAMETOOLONG},
		{"a long target of a symbolic link", []string{`l a /` + long}, 0, "a", syscall.ENAMETOOLONG},
		{"a long target of a hard link", []string{`h a b/` + long}, 0, "a", syscall.ENAMETOOLONG},

		{"a hard link to a directory", []string{`d a; h b a`}, 0, "b", ErrTarget},
		{"to a directory that comes later", []string{`h b a; d a`}, 0, "b", ErrTarget},
		{"to a directory below", []string{`d a`, `h b a`}, 1, "b", ErrTarget},
		{"to the root", []string{`h b /`}, 0, "b", ErrTarget},
		{"to nothing at all", []string{`h b ""`}, 0, "b", ErrTarget},
		{"to nothing", []string{`h b a`}, 0, "b", ErrTarget},
		{"to nothing, in a higher layer", []string{`f a`, `w a`, `h b a`}, 2, "b", ErrTarget},
		{"to what comes in a higher layer", []string{`h b a`, `f a`}, 0, "b", ErrTarget},
		{"to itself", []string{`h a a`}, 0, "a", ErrTarget},
		{"to each other", []string{`h a b; h b a`}, 0, "a", ErrTarget},
		{"to a whiteout", []string{`w a; h b .wh.a`}, 0, "b", ErrTarget},
		{"to what only AUFS has, below", []string{`f .wh.x/a`, `h b .wh.x/a`}, 1, "b", ErrTarget},
		{"by way of a file", []string{`f a; h b a/x`}, 0, "b", syscall.ENOTDIR},
		{"by way of a file below", []string{`f a`, `h b a/x`}, 1, "b", syscall.ENOTDIR},
		{"the lowest layer's error", []string{`f a`, `h b x`, `f a; f a/x`}, 1, "b", ErrTarget},

		{"an unknown type", []string{`tx a`}, 0, "a", errors.ErrUnsupported},
		{"a GNU directory", []string{`tD a`}, 0, "a", errors.ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree, err := Build(t.Context(), sequences(stack(t, c.layers...)), Options{})
			var e *EntryError
			if !errors.As(err, &e) || e.Layer != c.layer || e.Name != c.entry || !errors.Is(err, c.err) || tree != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// chain has links of which each leads to the one before: l1 to the directory l0.
func chain(n int) string {
	lines := []string{"d l0"}
	for i := range n {
		lines = append(lines, fmt.Sprintf("l l%d l%d", i+1, i))
	}
	return strings.Join(lines, "\n")
}

// TestLongestNames: what Linux takes is taken.
func TestLongestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(name255+"/", 15) + name255
	deep := strings.Repeat("d/", 2047) + "d"
	tree := build(t, `f `+long+`; f `+deep+`; l l `+long+`; `+chain(40)+`; f l40/x; l s `+long[:4000]+`; f s/`+long[:94])
	for _, name := range []string{long, deep, "l", "l0/x", long[:4000] + "/" + long[:94]} {
		if n, ok := tree.Lookup(name); !ok || n.Path != name {
			t.Errorf("%.20q: %.40v, %t", name, n, ok)
		}
	}
	if want := 1 + 16 + 2048 + 1 + 41 + 1 + 3; tree.Len() != want {
		t.Errorf("%d nodes, want %d", tree.Len(), want)
	}
}

// TestLimits: so much, and not more.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		layers []string
		opts   Options // that suffice
	}{
		{"entries", []string{`f a; f b`, `f a; w b`}, Options{MaxEntries: 4}},
		{"implied directories", []string{`f a/b/c/d`}, Options{MaxEntries: 4}},
		{"names", []string{`f abc/def/g`, `f abc`}, Options{MaxText: 10}},
		{"targets", []string{`l abc defgh`}, Options{MaxText: 8}},
		{"whiteouts", []string{`w abc`}, Options{MaxText: 3}},
		{"odd names", []string{`f .//abc`}, Options{MaxText: 3 + 6}},
		{"names of targets below", []string{`f abc`, `h d abc`}, Options{MaxText: 3 + 1 + 3 + 1 + 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sequences := sequences(stack(t, c.layers...))
			if _, err := Build(t.Context(), sequences, c.opts); err != nil {
				t.Errorf("%+v: %v", c.opts, err)
			}
			if c.opts.MaxEntries--; c.opts.MaxEntries < 0 {
				c.opts.MaxEntries = 0
			}
			if c.opts.MaxText--; c.opts.MaxText < 0 {
				c.opts.MaxText = 0
			}
			if _, err := Build(t.Context(), sequences, c.opts); !errors.Is(err, ErrLimit) {
				t.Errorf("%+v: %v", c.opts, err)
			}
		})
	}
	attributes := &tarsplit.Entry{Name: "a", Type: tar.TypeReg, Uname: "bc", Xattrs: map[string]string{"user.d": "ef"}, Digest: "gh:ij"}
	layers := sequences([][]*tarsplit.Entry{{attributes}})
	const all = 1 + 2 + 2 + 6 + 2 + 5 // and the lengths of the attribute's two strings
	if _, err := Build(t.Context(), layers, Options{MaxText: all}); err != nil {
		t.Error(err)
	}
	if _, err := Build(t.Context(), layers, Options{MaxText: all - 1}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	if _, err := Build(t.Context(), make([]iter.Seq2[*tarsplit.Entry, error], maxLayers+1), Options{}); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	for _, bad := range []Options{{MaxEntries: -1}, {MaxText: -1}} {
		if _, err := Build(t.Context(), nil, bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// generate yields what next makes for 0 to n-1, and how many were asked for.
func generate(n int, next func(i int) tarsplit.Entry) (iter.Seq2[*tarsplit.Entry, error], *int) {
	asked := new(int)
	return func(yield func(*tarsplit.Entry, error) bool) {
		for i := range n {
			*asked = i + 1
			if e := next(i); !yield(&e, nil) {
				return
			}
		}
	}, asked
}

// TestAmplification: few bytes of names do not make for much work or memory. Limits stop
// an endless layer soon.
func TestAmplification(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next func(int) tarsplit.Entry
		most int // entries until the limit
		opts Options
	}{
		"implied directories": {func(i int) tarsplit.Entry {
			return tarsplit.Entry{Name: fmt.Sprint(i) + strings.Repeat("/d", 2000), Type: tar.TypeReg}
		}, 600, Options{MaxEntries: 1 << 20}},
		"links through links": {func(i int) tarsplit.Entry {
			switch {
			case i < 40:
				return tarsplit.Entry{Name: fmt.Sprintf("l%d", i), Linkname: strings.Repeat("d/../", 800), Type: tar.TypeSymlink}
			default:
				way := strings.Repeat("l1/l2/l3/l4/l5/l6/l7/l8/l9/", 4)
				return tarsplit.Entry{Name: way[3*(i%5):] + "x", Type: tar.TypeReg} // never twice the same way
			}
		}, 2000, Options{}},
		"attributes": {func(i int) tarsplit.Entry {
			return tarsplit.Entry{Name: "a", Type: tar.TypeReg, PAX: map[string]string{"c": fmt.Sprint(i) + strings.Repeat("x", 1<<20)}}
		}, 70, Options{MaxText: 64 << 20}},
	} {
		entries, asked := generate(1<<30, c.next)
		start := time.Now()
		_, err := Build(t.Context(), []iter.Seq2[*tarsplit.Entry, error]{entries}, c.opts)
		if !errors.Is(err, ErrLimit) || *asked > c.most {
			t.Errorf("%s: %v after %d entries", name, err, *asked)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// TestHugeDirectory: a million names in one directory, in no good order, are fine.
func TestHugeDirectory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second or more")
	}
	t.Parallel()
	const n = 1_000_000
	entries, _ := generate(n, func(i int) tarsplit.Entry {
		return tarsplit.Entry{Name: fmt.Sprintf("directory/a name that begins as others do %d", int64(i)*7919%n), Type: tar.TypeReg}
	})
	start := time.Now()
	tree, err := Build(t.Context(), []iter.Seq2[*tarsplit.Entry, error]{entries}, Options{})
	if err != nil || tree.Len() != n+2 {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Log(took)
	if took > 30*time.Second {
		t.Error("too slow")
	}
	last := ""
	for node := range tree.Below("directory") {
		if node.Path <= last {
			t.Fatalf("%q after %q", node.Path, last)
		}
		last = node.Path
	}
}
