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
