package trace

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// call is one line of strace.
type call struct {
	name   string
	args   []arg
	text   string // the arguments as printed
	result string // the path of the descriptor that the call returned
}

// arg is an argument that names a file: a descriptor, or a path.
type arg struct {
	fd   bool
	path string // as printed; relative ones are relative to the descriptor before
}

var (
	callRE = regexp.MustCompile(`^(?:\[pid +\d+\] |\d+ +)?([a-z_0-9]+)\((.*)$`)
	// A descriptor with its path, the current directory with its path, or a string.
	argRE    = regexp.MustCompile(`(?:\b\d+|AT_FDCWD)<((?:[^<>\\]|\\.)*)>|"((?:[^"\\]|\\.)*)"`)
	resultRE = regexp.MustCompile(`\) += \d+<((?:[^<>\\]|\\.)*)>$`)
)

func parse(line string) (call, bool) {
	m := callRE.FindStringSubmatch(line)
	if m == nil {
		return call{}, false
	}
	c := call{name: m[1], text: m[2]}
	if r := resultRE.FindStringSubmatchIndex(c.text); r != nil {
		c.result = c.text[r[2]:r[3]]
		c.text = c.text[:r[0]]
	}
	for _, a := range argRE.FindAllStringSubmatch(c.text, -1) {
		if strings.HasPrefix(a[0], `"`) {
			c.args = append(c.args, arg{path: a[2]})
		} else {
			c.args = append(c.args, arg{fd: true, path: a[1]})
		}
	}
	return c, true
}

// onPaths are calls that change what the paths in their arguments, or the descriptors before them, name.
var onPaths = strings.Fields(`creat mkdir mkdirat mknod mknodat link linkat symlink symlinkat rename renameat renameat2 unlink
	unlinkat rmdir chmod fchmodat fchmodat2 chown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr setxattrat
	removexattr lremovexattr removexattrat truncate mount umount umount2 move_mount pivot_root`)

// onDescriptor maps calls that change a file through a descriptor to that descriptor's place among the descriptors given.
var onDescriptor = map[string]int{
	"write": 0, "writev": 0, "pwrite64": 0, "pwritev": 0, "pwritev2": 0, "ftruncate": 0, "fallocate": 0, "fchmod": 0, "fchown": 0,
	"fsetxattr": 0, "fremovexattr": 0, "sendfile": 0, "copy_file_range": 1, "splice": 1, "tee": 1,
}

var writeFlags = regexp.MustCompile(`\bO_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE|APPEND)\b`)

// writes tells whether the call could change something inside. dir is the working directory of the program.
func (c call) writes(dir string, inside func(path string) bool) bool {
	if n, ok := onDescriptor[c.name]; ok {
		fds := slices.DeleteFunc(slices.Clone(c.args), func(a arg) bool { return !a.fd })
		return n < len(fds) && inside(fds[n].path)
	}
	switch c.name {
	case "open", "openat", "openat2":
		// The flags come after the last string; a name may look like one.
		return writeFlags.MatchString(c.text[strings.LastIndex(c.text, `"`)+1:]) && c.touches(dir, inside)
	case "ioctl":
		return strings.Contains(c.text, "FICLONE") && len(c.args) > 0 && inside(c.args[0].path) ||
			strings.Contains(c.text, "_SETFLAGS") && c.touches(dir, inside)
	}
	return slices.Contains(onPaths, c.name) && c.touches(dir, inside)
}

// touches tells whether any path of the call lies inside.
func (c call) touches(dir string, inside func(path string) bool) bool {
	if inside(c.result) {
		return true
	}
	base := dir
	for _, a := range c.args {
		switch {
		case a.fd:
			base = a.path
			if inside(a.path) && c.name != "openat" && c.name != "openat2" {
				return true
			}
		case filepath.IsAbs(a.path) && inside(filepath.Clean(a.path)):
			return true
		case inside(filepath.Join(base, a.path)): // also of absolute names, for RESOLVE_IN_ROOT
			return true
		}
	}
	return false
}
