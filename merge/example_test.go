package merge_test

import (
	"archive/tar"
	"context"
	"fmt"
	"iter"
	"log"

	"github.com/cstor-go/cstor/merge"
	"github.com/cstor-go/cstor/tarsplit"
)

// Of two layers, the upper one replaces a file, deletes another, and adds a link.
func ExampleBuild() {
	// In a store: cstor.Layer.Entries, or tarsplit.Entries of a recipe.
	layers := []iter.Seq2[*tarsplit.Entry, error]{
		entries(
			tarsplit.Entry{Name: "etc/", Type: tar.TypeDir, Mode: 0o755},
			tarsplit.Entry{Name: "etc/motd", Type: tar.TypeReg, Mode: 0o644, Size: 5, File: "etc/motd"},
			tarsplit.Entry{Name: "etc/passwd", Type: tar.TypeReg, Mode: 0o644, Size: 40, File: "etc/passwd"},
		),
		entries(
			tarsplit.Entry{Name: "etc/passwd", Type: tar.TypeReg, Mode: 0o600, Size: 44, File: "etc/passwd"},
			tarsplit.Entry{Name: "etc/.wh.motd", Type: tar.TypeReg},
			tarsplit.Entry{Name: "etc/passwd-", Type: tar.TypeLink, Linkname: "etc/passwd"},
		),
	}
	tree, err := merge.Build(context.Background(), layers, merge.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for n := range tree.All() {
		fmt.Printf("%2d %c %3o %2d %s", n.Layer, n.Entry.Type, n.Entry.Mode, n.Entry.Size, n.Path)
		if n.Link != "" {
			fmt.Print(" is the same file as ", n.Link)
		}
		fmt.Println()
	}
	// Output:
	// -1 5 755  0 .
	//  0 5 755  0 etc
	//  1 0 600 44 etc/passwd
	//  1 0 600 44 etc/passwd- is the same file as etc/passwd
}

func entries(all ...tarsplit.Entry) iter.Seq2[*tarsplit.Entry, error] {
	return func(yield func(*tarsplit.Entry, error) bool) {
		for i := range all {
			if !yield(&all[i], nil) {
				return
			}
		}
	}
}
