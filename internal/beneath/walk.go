package beneath

import (
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxLinks = 40  // followed in one lookup, as in the kernel (MAXSYMLINKS)
	maxDepth = 512 // directories held open in one lookup
)

// A walker resolves one name without openat2. It holds a descriptor of every
// directory between the root and where it is, so ".." is a step back on the
// stack. Asking the kernel for ".." would leave the root if the directory had
// been moved out of it meanwhile.
type walker struct {
	root  int   // borrowed
	stack []int // owned; the last is where we are
	links int   // followed so far
	scope Scope
}

// walk does what openat2 does, with one openat per component. No call gives the
// kernel more than one component, and all have O_NOFOLLOW: links are read and
// resolved here.
func walk(root int, name string, flags int, scope Scope) (int, error) {
	w := walker{root: root, scope: scope}
	defer w.popAll()
	for rest := name; ; {
		part, tail, more := strings.Cut(rest, "/")
		switch part {
		case "..":
			w.pop()
			fallthrough
		case "", ".":
			if !more {
				return openat(w.here(), ".", flags)
			}
			rest = tail
			continue
		}

		var target string
		var err error
		switch {
		case more:
			target, err = w.enter(part)
		case flags&unix.O_NOFOLLOW == 0:
			target, err = w.link(part)
			if err == unix.EINVAL { // not a link
				return openat(w.here(), part, flags|unix.O_NOFOLLOW)
			}
		default:
			return openat(w.here(), part, flags)
		}
		switch {
		case err != nil:
			return -1, err
		case target == "":
			rest = tail
			continue
		case target[0] == '/':
			w.popAll()
		}
		rest = target
		if more {
			rest += "/" + tail
		}
	}
}

// enter goes down into the directory part. If part is a link, it stays and
// returns the link's target.
func (w *walker) enter(part string) (target string, err error) {
	fd, err := openat(w.here(), part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err == unix.ENOTDIR {
		target, err = w.link(part)
		if err == unix.EINVAL { // not a link
			err = unix.ENOTDIR
		}
		return target, err
	}
	if err != nil {
		return "", err
	}
	if len(w.stack) >= maxDepth {
		unix.Close(fd)
		return "", unix.ENAMETOOLONG
	}
	w.stack = append(w.stack, fd)
	return "", nil
}

// link returns the target of the link part, EINVAL if it is not a link, and
// ELOOP if it must not be followed.
func (w *walker) link(part string) (string, error) {
	target, err := readlinkat(w.here(), part)
	if err != nil {
		return "", err
	}
	if w.links++; w.links > maxLinks || w.scope == NoLinks {
		return "", unix.ELOOP
	}
	if target == "" {
		return "", unix.ENOENT
	}
	// The text of a magic link is a path of the whole system or has the form
	// "pipe:[1234]"; following it by name would give another file than the
	// kernel's. The ordinary links of procfs, such as self, have neither form.
	if (target[0] == '/' || strings.Contains(target, ":[")) && onProc(w.here()) {
		return "", unix.ELOOP
	}
	return target, nil
}

// here returns the descriptor of the directory that the walk has reached.
func (w *walker) here() int {
	if len(w.stack) == 0 {
		return w.root
	}
	return w.stack[len(w.stack)-1]
}

// pop goes up one directory, or stays at the root.
func (w *walker) pop() {
	if n := len(w.stack); n > 0 {
		unix.Close(w.stack[n-1])
		w.stack = w.stack[:n-1]
	}
}

// popAll goes back to the root.
func (w *walker) popAll() {
	for len(w.stack) > 0 {
		w.pop()
	}
}
