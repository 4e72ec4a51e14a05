package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkFiles fails when a folder holds no bytes, or when one of the digests, if there are
// any, is not that of a file below it.
func checkFiles(dir string, digests []string, buffer []byte) error {
	var size int64
	have := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		if len(digests) == 0 {
			return nil
		}
		digest, err := sumFile(path, buffer)
		have[digest] = true
		return err
	})
	if err != nil {
		return err
	}
	if size == 0 {
		return errors.New("it wrote nothing")
	}
	for _, want := range digests {
		if !have[want] {
			return fmt.Errorf("none of the files it wrote has the digest %s", want)
		}
	}
	return nil
}

func sumFile(path string, buffer []byte) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, buffer); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}

// agree fails when cases that count entries have printed different numbers of them, or
// other bytes than they should share.
func (g *group) agree() error {
	var first *timed
	for i := range g.cases {
		c := &g.cases[i]
		if !c.counts || c.missing != "" {
			continue
		}
		if first == nil {
			first = c
		}
		if n, want := c.seen.lines-c.frame, first.seen.lines-first.frame; n != want || n <= 0 {
			return fmt.Errorf("%s: %d entries, where %s has %d", c.name, n, first.name, want)
		}
		for _, other := range g.cases {
			if other.name == c.same && other.missing == "" && other.seen.sum != c.seen.sum {
				return fmt.Errorf("%s: %s, where %s prints %s", c.name, c.seen.sum, other.name, other.seen.sum)
			}
		}
	}
	return nil
}
