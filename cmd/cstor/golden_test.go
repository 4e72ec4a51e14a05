package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/internal/storetest"
)

// golden compares got with testdata/golden/name, or writes it under -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./cmd/cstor -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +now; -update accepts it):\n%s", name, diff)
	}
}

// TestHelp holds the --help of every command.
func TestHelp(t *testing.T) {
	t.Parallel()
	var names []string
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		words := strings.Fields(c.CommandPath())[1:]
		name := strings.Join(append([]string{"cstor"}, words...), "-") + ".help"
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if status := run(append(words, "--help"), nil, &out, &errs); status != 0 || errs.Len() > 0 {
				t.Fatalf("status %d, standard error %q", status, &errs)
			}
			golden(t, name, out.String())
			for line := range strings.Lines(out.String()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 140 {
					t.Errorf("line of %d characters: %s", n, line)
				}
			}
		})
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" { // cobra's
				walk(sub)
			}
		}
	}
	walk((&app{}).command())

	// Files of commands that are no more.
	have, err := filepath.Glob(filepath.Join("testdata", "golden", "*.help"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range have {
		if !slices.Contains(names, filepath.Base(file)) {
			t.Errorf("%s belongs to no command", file)
		}
	}
}

// TestJSONFields holds the field names and types of all JSON output, and those that
// templates see: people's programs rely on them, so they are added to, not changed.
func TestJSONFields(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"list-images":   []imageJSON{},
		"inspect-image": imageDetail{},
		"list-layers":   []layerDetail{},
		"inspect-layer": layerDetail{},
		"info":          infoJSON{},
		"version":       versionJSON{},

		"inspect-container": containerDetail{}, // an element of list-containers too
		"list-pods":         []podDetail{},
		"list-volumes":      []volumeDetail{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".fields", strings.Join(jsonFields("", reflect.TypeOf(v)), "\n")+"\n")
		})
	}
	for name, v := range map[string]any{
		"list-images":   imageRow{},
		"inspect-image": imageDetail{},
		"list-layers":   layerRow{},
		"inspect-layer": layerDetail{},
		"info":          infoJSON{},
		"version":       versionJSON{},

		"list-containers":   containerRow{},
		"inspect-container": containerDetail{},
		"list-pods":         podRow{},
		"list-volumes":      volumeRow{},
	} {
		t.Run(name+" template", func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
				if f.IsExported() {
					fmt.Fprintf(&b, ".%s %v\n", f.Name, f.Type)
				}
			}
			golden(t, name+".template", b.String())
		})
	}
}

// jsonFields lists paths such as "[].names[] string".
func jsonFields(at string, typ reflect.Type) []string {
	switch typ.Kind() {
	case reflect.Pointer:
		return jsonFields(at, typ.Elem())
	case reflect.Slice:
		return jsonFields(at+"[]", typ.Elem())
	case reflect.Map:
		return jsonFields(at+"{"+typ.Key().Kind().String()+"}", typ.Elem())
	case reflect.Struct:
		if typ == reflect.TypeFor[time.Time]() {
			return []string{at + " time"}
		}
		var all []string
		for _, f := range reflect.VisibleFields(typ) {
			tag, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "-" || !f.IsExported() || f.Anonymous {
				continue
			}
			if tag == "" {
				tag = f.Name
			}
			if strings.HasPrefix(rest, "omit") {
				tag += "?"
			}
			all = append(all, jsonFields(at+"."+tag, f.Type)...)
		}
		return all
	}
	return []string{at + " " + typ.Kind().String()}
}

// TestJSONOutput holds the whole output for a small store, so that the order of
// fields, formats of times and empty lists are those that were promised. (A list of
// manifests has the store's path in it, and so no size of its own.)
func TestJSONOutput(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, `
layer base compression=gzip
  dir  etc 0755
  file etc/hostname 0644 "golden\n"
layer top parent=base compression=zstd
  whiteout etc/hostname
image docker.io/library/golden:1,localhost/golden:latest layer=top cmd=/bin/golden env=A=b label=org.example.kind=golden
image - as=nameless layer=base format=docker platform=linux/arm64/v8
container work image=docker.io/library/golden:1
`, storetest.Options{})
	top := s.Layer("top").ID
	for name, args := range map[string][]string{
		"list-images":         {"list-images", "--format", "json"},
		"list-images-verbose": {"list-images", "--verbose", "--format", "json"},
		"list-layers":         {"list-layers", "--format", "json"},
		"inspect-image":       {"inspect-image", "--layers", "localhost/golden"},
		"inspect-layer":       {"inspect-layer", top},
		"inspect-layer-chain": {"inspect-layer", "--chain", top},
		"info":                {"info", "--format", "json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			if status := run(append([]string{"--root", s.Root}, args...), nil, &out, &errs); status != 0 || errs.Len() > 0 {
				t.Fatalf("status %d, standard error %q", status, &errs)
			}
			text := strings.ReplaceAll(out.String(), s.Root, "/ROOT")
			text = strings.ReplaceAll(text, fmt.Sprintf("%q", versionOf().Version), `"VERSION"`)
			golden(t, name+".json", text)
		})
	}
}
