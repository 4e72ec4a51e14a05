package beneath

import "golang.org/x/sys/unix"

// Node is all that can be known of an entry without opening it.
type Node struct {
	unix.Stat_t
	Link   string            // target of a symbolic link: see [Dir.Readlink]
	Xattrs map[string]string // see [Dir.Xattrs]
}

// Look is Lstat, Readlink and Xattrs in one, of one entry even if another takes its
// name meanwhile, with half the system calls. Its errors are theirs.
func (d *Dir) Look(name string) (n Node, err error) {
	pin, st, err := d.pin(name, unix.O_NOFOLLOW)
	if err != nil {
		return n, d.wrap("lstat", name, err)
	}
	defer unix.Close(pin)
	n.Stat_t = st
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		if n.Link, err = readlinkat(pin, ""); err != nil {
			return n, d.wrap("readlink", name, err)
		}
	}
	if n.Xattrs, err = d.pinXattrs(pin, &st, name); err != nil {
		return n, d.wrap("listxattr", name, err)
	}
	return n, nil
}
