// Command mkstore builds a containers-storage store from a spec of package
// storetest, for scripts, the demo and benchmarks.
//
// Usage:
//
//	mkstore [flags] DIR [SPECFILE]
//
// DIR becomes the root of the store. Without SPECFILE the sample store is
// built; SPECFILE - reads the spec from standard input. What was made is
// printed, one thing a line: "root DIR", "layer NAME ID", "image NAME ID",
// "container NAME ID".
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/cstor-go/cstor/internal/storetest"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mkstore:", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: mkstore [flags] DIR [SPECFILE]")

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	var opts storetest.Options
	flags := flag.NewFlagSet("mkstore", flag.ContinueOnError)
	flags.StringVar(&opts.Driver, "driver", "", "overlay or vfs")
	flags.StringVar(&opts.RunRoot, "runroot", "", "make a run root here")
	flags.StringVar(&opts.ImageStore, "imagestore", "", "split the store: images go here")
	flags.BoolVar(&opts.Transient, "transient", false, "put containers into the run root")
	flags.BoolVar(&opts.Flat, "flat", false, "make flat (composefs) layers")
	flags.BoolVar(&opts.NoLocks, "no-locks", false, "make no lock files")
	flags.BoolVar(&opts.Old, "old", false, "write as storage 1.62 and older")
	flags.StringVar((*string)(&opts.Whiteouts), "whiteouts", "", "trusted, user or files")
	many := flags.String("many", "", "IMAGES,LAYERS: make many small ones instead of reading a spec")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if flags.NArg() < 1 || flags.NArg() > 2 || flags.NArg() == 2 && *many != "" {
		return errUsage
	}
	spec, err := readSpec(flags.Arg(1), *many, stdin)
	if err != nil {
		return err
	}
	store, err := spec.Build(flags.Arg(0), opts)
	if err != nil {
		return err
	}
	return report(stdout, store)
}

func readSpec(file, many string, stdin io.Reader) (storetest.Spec, error) {
	if many != "" {
		var images, layers int
		if _, err := fmt.Sscanf(many, "%d,%d", &images, &layers); err != nil {
			return storetest.Spec{}, fmt.Errorf("%w: --many %q", errUsage, many)
		}
		return storetest.Many(images, layers)
	}
	text := []byte(storetest.Sample)
	var err error
	switch file {
	case "":
	case "-":
		text, err = io.ReadAll(stdin)
	default:
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return storetest.Spec{}, err
	}
	return storetest.Parse(string(text))
}

func report(w io.Writer, store *storetest.Store) error {
	_, err := fmt.Fprintf(w, "root %s\n", store.Root)
	for _, l := range store.Layers() {
		_, e := fmt.Fprintf(w, "layer %s %s\n", l.Name, l.ID)
		err = errors.Join(err, e)
	}
	for _, i := range store.Images() {
		_, e := fmt.Fprintf(w, "image %s %s\n", i.Name, i.ID)
		err = errors.Join(err, e)
	}
	for _, c := range store.Containers() {
		_, e := fmt.Fprintf(w, "container %s %s\n", c.Name, c.ID)
		err = errors.Join(err, e)
	}
	return err
}
