package merge

import (
	"path"
	"strings"
)

// Limits of Linux: nothing longer was ever unpacked.
const (
	maxPath = 4095 // of a path, or of a link's target, in bytes
	maxBase = 255  // of a component
)

// shape is how a tar writes a name, seen from its cleaned form. Nearly all names have
// one of these, and need not be kept twice.
type shape uint8

const (
	shapeSlash shape = 1 // "/" at the end
	shapeDot   shape = 2 // "./" in front
	shapeRoot  shape = 4 // "/" in front
	shapeOdd   shape = 6 // anything else
)

// before returns what is in front of the cleaned name.
func (s shape) before() string {
	switch s &^ shapeSlash {
	case shapeDot:
		return "./"
	case shapeRoot:
		return "/"
	}
	return ""
}

// of returns the name as the tar has it.
func (s shape) of(cleaned string) string {
	after := ""
	if s&shapeSlash != 0 {
		after = "/"
	}
	return s.before() + cleaned + after
}

// clean returns what path.Clean("/"+name) has behind the slash: "" for the root.
func clean(name string) (string, shape) {
	var s shape
	cleaned := name
	switch {
	case strings.HasPrefix(cleaned, "./"):
		s, cleaned = shapeDot, cleaned[2:]
	case strings.HasPrefix(cleaned, "/"):
		s, cleaned = shapeRoot, cleaned[1:]
	}
	if strings.HasSuffix(cleaned, "/") {
		s, cleaned = s|shapeSlash, cleaned[:len(cleaned)-1]
	}
	if !isClean(cleaned) {
		return path.Clean("/" + name)[1:], shapeOdd
	}
	return cleaned, s
}

// isClean reports whether no component is empty, "." or "..".
func isClean(name string) bool {
	for start, i := 0, 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		switch i - start {
		case 0:
			return false
		case 1:
			if name[start] == '.' {
				return false
			}
		case 2:
			if name[start] == '.' && name[start+1] == '.' {
				return false
			}
		}
		start = i + 1
	}
	return true
}

// splitBase cuts a cleaned name before its last component.
func splitBase(name string) (dir, base string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}
