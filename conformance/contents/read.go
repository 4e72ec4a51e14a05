package contents

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/imagefs"
	"github.com/cstor-go/cstor/userns"

	"github.com/cstor-go/cstor/conformance/answer"
)

// ReadEnv in the environment names a graph root: [ReadMain]. With [Helped] before it, the program has a helper process.
const (
	ReadEnv = "CSTOR_READ"
	Helped  = "helped:"
)

// Read is what a program reads of a store, as far as it may.
type Read struct {
	Tars    map[string]string // the digest of each layer's tar, or why there is none
	Images  map[string]Tree   // by package imagefs
	Refused int               // layers and images of which something may not be read
}

// ReadMain writes the [Read] of the store that [ReadEnv] names to standard output, and ends. It returns if there is none.
func ReadMain() {
	told, ok := os.LookupEnv(ReadEnv)
	if !ok {
		return
	}
	root, helped := strings.CutPrefix(told, Helped)
	opts := cstor.Options{}
	var helper userns.Helper
	if helped {
		opts.Helper = &helper
	}
	read, err := readStore(context.Background(), root, opts)
	if err = errors.Join(err, helper.Close()); err == nil {
		err = gob.NewEncoder(os.Stdout).Encode(read)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func readStore(ctx context.Context, root string, opts cstor.Options) (*Read, error) {
	s, err := cstor.Open(ctx, root, opts)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	read := &Read{Tars: map[string]string{}, Images: map[string]Tree{}}
	for l, err := range s.Layers() {
		if err != nil {
			return nil, err
		}
		t := answer.CstorTar(ctx, l)
		switch {
		case errors.Is(t.Err, fs.ErrPermission):
			read.Refused++
		case t.Err != nil:
			t.Digest = t.Err.Error()
		}
		read.Tars[l.ID()] = t.Digest
	}
	for i, err := range s.Images() {
		if err != nil {
			return nil, err
		}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			return nil, err
		}
		fsys, err := imagefs.New(layers, imagefs.Options{})
		var tree Tree
		if err == nil {
			tree, err = OfFiles(fsys)
		}
		switch {
		case errors.Is(err, fs.ErrPermission):
			read.Refused++
		case err != nil:
			return nil, fmt.Errorf("image %s: %w", i, err)
		}
		read.Images[i.ID()] = tree
	}
	return read, nil
}
