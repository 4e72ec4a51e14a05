package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// treeArg stands in the arguments of a command for the directory that it shall make.
const treeArg = "\x00tree"

// inTree puts a new directory into a command's arguments.
func (g *group) inTree(c command) (_ command, dir string) {
	if g.trees == "" {
		return c, ""
	}
	g.made++
	dir = filepath.Join(g.trees, strconv.Itoa(g.made))
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = strings.ReplaceAll(arg, treeArg, dir)
	}
	c.args = args
	return c, dir
}

// A treeSum is a digest of what there is below a directory, and how many entries that are.
type treeSum struct {
	digest  string
	entries int
}

// sameTree compares a tree with the first one that was made from the same view.
func (g *group) sameTree(c *timed, dir string) error {
	sum, err := sumTree(filepath.Join(dir, c.below))
	if err != nil {
		return err
	}
	if g.sums == nil {
		g.sums = map[string]treeSum{}
	}
	if first, ok := g.sums[c.view]; ok && sum != first {
		return fmt.Errorf("the tree %s, of %d entries, is another one than the first, of %d", dir, sum.entries, first.entries)
	}
	g.sums[c.view] = sum
	return nil
}

// sumTree takes content by its size, hard links by how many there are, and of those no
// time, which headers may state several times.
func sumTree(dir string) (sum treeSum, err error) {
	h := sha256.New()
	w := bufio.NewWriter(h)
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir { // of the root directory, some know nothing
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		target := ""
		if d.Type() == fs.ModeSymlink {
			if target, err = os.Readlink(name); err != nil {
				return err
			}
		}
		switch {
		case d.IsDir():
			st.Size, st.Nlink = 0, 0
		case st.Nlink > 1:
			st.Mtim.Sec = 0
		}
		sum.entries++
		_, err = fmt.Fprintf(w, "%q %o %d %d %d %d %d %d %q\n", name[len(dir):], st.Mode, st.Uid, st.Gid, st.Size, st.Nlink, st.Rdev, st.Mtim.Sec, target)
		return err
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return sum, err
	}
	sum.digest = fmt.Sprintf("%x", h.Sum(nil))
	return sum, nil
}
