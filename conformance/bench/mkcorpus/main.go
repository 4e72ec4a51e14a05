// Command mkcorpus makes a corpus of package corpora and puts it into a store, through the storage library itself.
//
//	mkcorpus NAME DIR
//
// DIR appears only when it is complete; what a run that was cut short left beside it is removed. It is a program of its own
// so that its memory does not count as that of the commands which are measured. It needs root, as the overlay driver does.
package main

import (
	"fmt"
	"os"

	"go.podman.io/storage/pkg/reexec"

	"github.com/cstor-go/cstor/conformance/bench/corpora"
)

func main() {
	if reexec.Init() { // the library unpacks layers in processes of its own
		return
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mkcorpus NAME DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "mkcorpus:", err)
		os.Exit(1)
	}
}

func run(name, dir string) error {
	corpus, err := corpora.Find(name)
	if err != nil {
		return err
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	d, err := fill(corpus, part)
	if err != nil {
		return err
	}
	if err := d.Write(part); err != nil {
		return err
	}
	return os.Rename(part, dir)
}
