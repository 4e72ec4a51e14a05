package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// errTold ends a command whose errors have been printed as they came.
var errTold = errors.New("some paths could not be shown")

// eachPath calls find for all paths, and then show. A path that is not found is told at
// once and the others are still shown, as other commands of these names do; any error of
// show ends it.
func eachPath[T any](x *subject, name string, paths []string, find func(path string) (T, error), show func(i int, path string, found T) error) error {
	var failed error
	for i, path := range paths {
		found, err := find(path)
		if err != nil {
			if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
				err = inner.Err // the path is as it was typed
			}
			x.progress.print(x.stderr, fmt.Sprintf("cstor: %s: %s\n", oneLine(name), oneLine(fmt.Sprintf("%s: %v", path, err))))
			failed = errTold
			continue
		}
		if err := show(i, path, found); err != nil {
			return err
		}
	}
	return failed
}

// noEmpty refuses paths that are empty: a variable was perhaps to be there.
func noEmpty(paths []string) error {
	if slices.Contains(paths, "") {
		return usagef("a PATH is empty")
	}
	return nil
}
