package extract

import (
	"path"
	"strings"
)

// Paths are those of package merge: clean, without a slash in front, "." for the root.

func join(dir, base string) string {
	if dir == "." {
		return base
	}
	return dir + "/" + base
}

func parent(name string) string { return path.Dir(name) }

// rel returns the part of a path behind a directory; ok is false if it is not below it.
func rel(dir, name string) (rest string, ok bool) {
	switch {
	case dir == ".":
		return name, true
	case name == dir:
		return ".", true
	}
	rest, ok = strings.CutPrefix(name, dir)
	if !ok || rest[0] != '/' {
		return "", false
	}
	return rest[1:], true
}
