package relay

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/idmap"
)

// fill gives everything in a value another value than its zero, so that what does not
// cross is seen: a new field, say.
func fill(t *testing.T, v reflect.Value, n *int64) {
	t.Helper()
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(*n, *n)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n)
		fill(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprintf("%d\xff", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-*n)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	default:
		t.Fatalf("a field of kind %v", v.Kind())
	}
}

func TestEverythingCrosses(t *testing.T) {
	t.Parallel()
	var n int64
	var spec driver.Spec
	fill(t, reflect.ValueOf(&spec).Elem(), &n)
	var e encoder
	e.spec(spec)
	d := decoder{rest: string(e)}
	spec.IDs.Disk = idmap.Maps{} // which the kernel does at the other end
	if diff := cmp.Diff(spec, d.spec()); diff != "" || d.end() != nil {
		t.Errorf("Spec (-sent +received): %v\n%s", d.end(), diff)
	}
	var node driver.Node
	fill(t, reflect.ValueOf(&node).Elem(), &n)
	e = nil
	e.node(&node)
	d = decoder{rest: string(e)}
	if diff := cmp.Diff(&node, d.node()); diff != "" || d.end() != nil {
		t.Errorf("Node (-sent +received): %v\n%s", d.end(), diff)
	}
	var entry driver.DirEntry
	fill(t, reflect.ValueOf(&entry).Elem(), &n)
	e = nil
	e.entry(entry)
	d = decoder{rest: string(e)}
	if diff := cmp.Diff(entry, d.entry()); diff != "" || d.end() != nil {
		t.Errorf("DirEntry (-sent +received): %v\n%s", d.end(), diff)
	}
}

func TestNumbersCross(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 127, 128, 1 << 32, math.MaxInt64, math.MaxUint64} {
		var e encoder
		e.uint(n)
		e.int(int64(n))
		e.int(-int64(n))
		d := decoder{rest: string(e)}
		if a, b, c := d.uint(), d.int(), d.int(); a != n || b != int64(n) || c != -int64(n) || d.end() != nil {
			t.Errorf("%d: %d, %d, %d, %v", n, a, b, c, d.end())
		}
	}
	for name, body := range map[string]string{
		"nothing": "", "cut off": "\x80", "too long": strings.Repeat("\xff", 10) + "\x01", "too large": strings.Repeat("\xff", 9) + "\x02",
	} {
		d := decoder{rest: body}
		if n := d.uint(); n != 0 || !d.bad {
			t.Errorf("%s: %d", name, n)
		}
	}
}

func TestTimesCross(t *testing.T) {
	t.Parallel()
	for _, want := range []time.Time{
		{},
		time.Unix(0, 0), time.Unix(-1, 999999999), time.Unix(1e9, 1).UTC(), time.Unix(1<<40, 0).UTC(),
		time.Unix(1e9, 0).In(time.FixedZone("", 5400)), time.Unix(1e9, 0).In(time.FixedZone("", -3600)),
	} {
		var e encoder
		e.time(want)
		d := decoder{rest: string(e)}
		if got := d.time(); !got.Equal(want) || got.Format(time.RFC3339Nano) != want.Format(time.RFC3339Nano) || d.end() != nil {
			t.Errorf("%v: %v, %v", want, got, d.end())
		}
	}
}

func TestErrorsCross(t *testing.T) {
	t.Parallel()
	path := &fs.PathError{Op: "open", Path: "a\xff", Err: syscall.ENOENT}
	for name, err := range map[string]error{
		"text":              errors.New("no more \xff"),
		"errno":             syscall.ELOOP,
		"path":              path,
		"wrapped path":      fmt.Errorf("table: %w", path),
		"path in path":      &fs.PathError{Op: "read", Path: "b", Err: path},
		"joined":            errors.Join(fs.ErrClosed, fmt.Errorf("and %w", syscall.EISDIR), syscall.EIO),
		"kept as text":      fmt.Errorf("%w: %v", driver.ErrObject, path), //nolint:errorlint // on purpose
		"wraps nothing":     fmt.Errorf("nothing: %w", error(nil)),
		"several sentinels": fmt.Errorf("%w: %w", driver.ErrNotRegular, syscall.EISDIR),
	} {
		var e encoder
		e.fault(err)
		d := decoder{rest: string(e)}
		got := d.fault()
		if d.end() != nil {
			t.Errorf("%s: %v", name, d.end())
		}
		if diff := differs(err, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, s := range sentinels {
		var e encoder
		e.fault(fmt.Errorf("so: %w", s))
		d := decoder{rest: string(e)}
		if err := d.fault(); !errors.Is(err, s) {
			t.Errorf("%v does not cross", s)
		}
	}
}

// TestLimitOfDriver: a directory that package driver lists is not refused here.
func TestLimitOfDriver(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../driver/node.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(source), "\nconst maxNodes = ")
	value, _, _ := strings.Cut(after, "\n")
	limit, err := types.Eval(token.NewFileSet(), nil, token.NoPos, value)
	if err != nil {
		t.Fatalf("maxNodes of package driver is %q: %v", value, err)
	}
	if n, _ := constant.Int64Val(limit.Value); n != maxNames {
		t.Errorf("maxNodes of package driver is %d, maxNames here is %d", n, maxNames)
	}
}

// TestSentinelsOfDriver: who adds one lets it cross.
func TestSentinelsOfDriver(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../driver/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var names []string
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if _, local := n.(*ast.FuncDecl); local {
				return false
			}
			if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
				names = append(names, v.Names[0].Name)
			}
			return true
		})
	}
	slices.Sort(names)
	if want := []string{"ErrMetacopy", "ErrNotRegular", "ErrObject", "ErrRedirect"}; !slices.Equal(names, want) {
		t.Errorf("package driver has %v: put new ones into sentinels, and here", names)
	}
}
