// Command layertable prints the table of contents of an image in the JSON of eStargz,
// in the way that is open to who has the storage library and archive/tar: each layer's tar
// is rebuilt, with all content, and read header by header.
//
//	layertable ROOT RUNROOT IMAGE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.podman.io/storage"
	"go.podman.io/storage/pkg/archive"
	"go.podman.io/storage/pkg/reexec"
)

func main() {
	if reexec.Init() {
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: layertable ROOT RUNROOT IMAGE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "layertable:", err)
		os.Exit(1)
	}
}

func run(root, runRoot, image string) error {
	store, err := storage.GetStore(storage.StoreOptions{GraphRoot: root, RunRoot: runRoot, GraphDriverName: "overlay"})
	if err != nil {
		return err
	}
	defer store.Free()
	ids, err := chain(store, image)
	if err != nil {
		return err
	}
	t := tree{}
	for _, id := range ids {
		if err := read(store, id, t); err != nil {
			return fmt.Errorf("layer %s: %w", id, err)
		}
	}
	return t.print()
}

// chain returns the layers of an image, base first.
func chain(store storage.Store, image string) (ids []string, err error) {
	img, err := store.Image(image)
	if err != nil {
		return nil, err
	}
	for id := img.TopLayer; id != ""; {
		l, err := store.Layer(id)
		if err != nil {
			return nil, err
		}
		ids, id = append(ids, id), l.Parent
	}
	slices.Reverse(ids)
	return ids, nil
}

// read lays a layer upon those below.
func read(store storage.Store, id string, t tree) error {
	plain := archive.Uncompressed
	diff, err := store.Diff("", id, &storage.DiffOptions{Compression: &plain})
	if err != nil {
		return err
	}
	defer diff.Close()
	return t.lay(bufio.NewReaderSize(diff, 1<<20))
}

// print prints the tree, an entry a line.
func (t tree) print() error {
	keys := make([]string, 0, len(t))
	for name := range t {
		keys = append(keys, strings.ReplaceAll(name, "/", "\x00")) // so that a folder's content comes right after it
	}
	slices.Sort(keys)
	w := bufio.NewWriterSize(os.Stdout, 64<<10)
	_, _ = w.WriteString(`{"version":1,"entries":[`)
	for i, key := range keys {
		line, err := json.Marshal(t[strings.ReplaceAll(key, "\x00", "/")])
		if err != nil {
			return err
		}
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_ = w.WriteByte('\n')
		_, _ = w.Write(line)
	}
	_, _ = w.WriteString("\n]}\n")
	return w.Flush() // returns the first error of them all
}
