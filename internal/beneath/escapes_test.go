package beneath

import (
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// An escape is one lookup in a hostile tree.
type escape struct {
	name   string
	layout []string
	path   string

	noLinks, inRoot, follow any // content or error of File in each scope, and of Follow

	// alwaysFails marks lookups that are harmless, or fail, without a guard.
	// All others read "outside" when opened by path.
	alwaysFails bool
}

var escapes = []escape{
	{
		name:   "absolute link",
		layout: []string{"link l @/out/secret"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: unix.ENOENT,
	}, {
		name:   "absolute link that also exists inside",
		layout: []string{"link l /etc/passwd", "file etc/passwd inside"}, path: "l",
		noLinks: unix.ELOOP, inRoot: unix.ELOOP, follow: "inside",
		alwaysFails: true, // reads the host's, which is not ours to know
	}, {
		name:   "relative link upwards",
		layout: []string{"link l ../out/secret"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: unix.ENOENT,
	}, {
		name:   "relative link upwards lands inside",
		layout: []string{"link l ../out/secret", "file out/secret inside"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: "inside",
	}, {
		name:   "absolute link in the middle",
		layout: []string{"link m @/out"}, path: "m/secret",
		noLinks: unix.ELOOP, inRoot: unix.ENOENT, follow: unix.ENOENT,
	}, {
		name:   "absolute link in the middle lands inside",
		layout: []string{"link m /d", "file d/f inside"}, path: "m/f",
		noLinks: unix.ELOOP, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "absolute link below, in the middle",
		layout: []string{"link a/b/m /d", "file d/f inside", "file a/b/d/f wrong"}, path: "a/b/m/f",
		noLinks: unix.ELOOP, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "absolute link below, last",
		layout: []string{"link a/b/l /f", "file f inside", "file a/b/f wrong"}, path: "a/b/l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: "inside",
		alwaysFails: true,
	}, {
		name:   "relative link in the middle",
		layout: []string{"link a/b/m ../../../out"}, path: "a/b/m/secret",
		noLinks: unix.ELOOP, inRoot: unix.ENOENT, follow: unix.ENOENT,
	}, {
		name:   "link in the middle, inside",
		layout: []string{"file usr/lib/f inside", "link lib usr/lib"}, path: "lib/f",
		noLinks: unix.ELOOP, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "link with trailing slash in the middle",
		layout: []string{"file usr/lib/f inside", "link lib usr//lib/"}, path: "lib/f",
		noLinks: unix.ELOOP, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name: "dot dot",
		path: "../out/secret", noLinks: unix.EXDEV, inRoot: unix.ENOENT, follow: unix.ENOENT,
	}, {
		name:   "dot dot stops at the root",
		layout: []string{"file out/secret inside"}, path: "../../../out/secret",
		noLinks: unix.EXDEV, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "dot dot from below",
		layout: []string{"dir a/b"}, path: "a/b/../../../out/secret",
		noLinks: unix.EXDEV, inRoot: unix.ENOENT, follow: unix.ENOENT,
	}, {
		name:   "dot dot that stays inside",
		layout: []string{"dir a/b", "file a/f inside"}, path: "a/b/../f",
		noLinks: unix.EXDEV, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "dot dot after a link goes to the target's parent",
		layout: []string{"link l d/e", "dir d/e", "file d/f inside", "file f wrong"}, path: "l/../f",
		noLinks: unix.EXDEV, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "dot dot through a file",
		layout: []string{"file f x", "file g x"}, path: "f/../g",
		noLinks: unix.EXDEV, inRoot: unix.ENOTDIR, follow: unix.ENOTDIR,
		alwaysFails: true,
	}, {
		name:   "dot dot last",
		layout: []string{"dir a/b"}, path: "a/b/..",
		noLinks: unix.EXDEV, inRoot: unix.EISDIR, follow: unix.EISDIR,
		alwaysFails: true,
	}, {
		name: "absolute name",
		path: "/../out/secret", noLinks: unix.EXDEV, inRoot: unix.ENOENT, follow: unix.ENOENT,
	}, {
		name:   "absolute name inside",
		layout: []string{"file a/f inside"}, path: "/a/f",
		noLinks: unix.EXDEV, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "link to the process's root",
		layout: []string{"link l /proc/self/root@/out/secret"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: unix.ENOENT,
	}, {
		name:   "link to the process's root in the middle",
		layout: []string{"link l /proc/self/root"}, path: "l@/out/secret",
		noLinks: unix.ELOOP, inRoot: unix.ENOENT, follow: unix.ENOENT,
	}, {
		name:   "chain of links out",
		layout: []string{"link a b/c", "dir b", "link b/c ../d", "link d @/out/secret"}, path: "a",
		noLinks: unix.ELOOP, inRoot: unix.ELOOP, follow: unix.ENOENT,
	}, {
		name:   "link to itself",
		layout: []string{"link l l"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: unix.ELOOP,
		alwaysFails: true,
	}, {
		name:   "links to each other in the middle",
		layout: []string{"link a b", "link b a"}, path: "a/f",
		noLinks: unix.ELOOP, inRoot: unix.ELOOP, follow: unix.ELOOP,
		alwaysFails: true,
	}, {
		name:   "40 links",
		layout: chain(40), path: "l0/f",
		noLinks: unix.ELOOP, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "41 links",
		layout: chain(41), path: "l0/f",
		noLinks: unix.ELOOP, inRoot: unix.ELOOP, follow: unix.ELOOP,
		alwaysFails: true,
	}, {
		name:   "links that grow the name",
		layout: []string{"link x x/x"}, path: "x",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: unix.ELOOP,
		alwaysFails: true,
	}, {
		name:   "deep nest",
		layout: []string{"file " + strings.Repeat("d/", 300) + "f inside"}, path: strings.Repeat("d/", 300) + "f",
		noLinks: "inside", inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name:   "dangling link",
		layout: []string{"link l gone"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: fs.ErrNotExist,
		alwaysFails: true,
	}, {
		name:   "dangling link in the middle",
		layout: []string{"link l gone"}, path: "l/f",
		noLinks: unix.ELOOP, inRoot: fs.ErrNotExist, follow: fs.ErrNotExist,
		alwaysFails: true,
	}, {
		name:   "link to a file with trailing slash",
		layout: []string{"link l f/", "file f x"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: unix.ENOTDIR,
		alwaysFails: true,
	}, {
		name:   "link to a directory",
		layout: []string{"link l d", "dir d"}, path: "l",
		noLinks: unix.ELOOP, inRoot: unix.ELOOP, follow: unix.EISDIR,
		alwaysFails: true,
	}, {
		name:   "trailing slash does not follow",
		layout: []string{"link l @/out"}, path: "l/",
		noLinks: unix.EINVAL, inRoot: unix.EINVAL, follow: unix.EINVAL,
		alwaysFails: true,
	}, {
		name:   "link to the root",
		layout: []string{"link l /", "file f inside"}, path: "l/l/l/f",
		noLinks: unix.ELOOP, inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name: "socket", layout: []string{"sock s"}, path: "s",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: ErrNotRegular,
		alwaysFails: true,
	}, {
		name: "fifo", layout: []string{"fifo p"}, path: "p", // see also TestFIFO
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: ErrNotRegular,
		alwaysFails: true,
	}, {
		name: "link to a fifo", layout: []string{"link l p", "fifo p"}, path: "l",
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: ErrNotRegular,
		alwaysFails: true,
	}, {
		name: "device without driver", layout: []string{"whiteout w"}, path: "w", // ENXIO if it were opened
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: ErrNotRegular,
		alwaysFails: true,
	}, {
		name: "device", layout: []string{"null n"}, path: "n", // see also TestOpensNothing
		noLinks: ErrNotRegular, inRoot: ErrNotRegular, follow: ErrNotRegular,
		alwaysFails: true,
	}, {
		name: "directory", layout: []string{"dir d"}, path: "d",
		noLinks: unix.EISDIR, inRoot: unix.EISDIR, follow: unix.EISDIR,
		alwaysFails: true,
	}, {
		name: "root itself", path: ".",
		noLinks: unix.EISDIR, inRoot: unix.EISDIR, follow: unix.EISDIR,
		alwaysFails: true,
	}, {
		name: "file as a directory", layout: []string{"file f x"}, path: "f/g",
		noLinks: unix.ENOTDIR, inRoot: unix.ENOTDIR, follow: unix.ENOTDIR,
		alwaysFails: true,
	}, {
		name: "NUL", layout: []string{"file a x"}, path: "a\x00b",
		noLinks: fs.ErrInvalid, inRoot: fs.ErrInvalid, follow: fs.ErrInvalid,
		alwaysFails: true,
	}, {
		name: "empty component", layout: []string{"file a/b x"}, path: "a//b",
		noLinks: fs.ErrInvalid, inRoot: fs.ErrInvalid, follow: fs.ErrInvalid,
		alwaysFails: true,
	}, {
		name: "two leading slashes", layout: []string{"file a x"}, path: "//a",
		noLinks: unix.EXDEV, inRoot: fs.ErrInvalid, follow: fs.ErrInvalid,
		alwaysFails: true,
	}, {
		name: "4096 bytes", path: strings.Repeat("d/", 2047) + "ff",
		noLinks: unix.ENAMETOOLONG, inRoot: unix.ENAMETOOLONG, follow: unix.ENAMETOOLONG,
		alwaysFails: true,
	}, {
		name: "4095 bytes", path: strings.Repeat("d/", 2047) + "f",
		noLinks: unix.ENOENT, inRoot: unix.ENOENT, follow: unix.ENOENT,
		alwaysFails: true,
	}, {
		name: "component of 256 bytes", path: strings.Repeat("f", 256),
		noLinks: unix.ENAMETOOLONG, inRoot: unix.ENAMETOOLONG, follow: unix.ENAMETOOLONG,
		alwaysFails: true,
	}, {
		name: "not UTF-8", layout: []string{"file \xff\xfe inside"}, path: "\xff\xfe",
		noLinks: "inside", inRoot: "inside", follow: "inside",
		alwaysFails: true,
	}, {
		name: "dot components", layout: []string{"file a/f inside"}, path: "./a/./f",
		noLinks: "inside", inRoot: "inside", follow: "inside",
		alwaysFails: true,
	},
}

// chain returns n links in a row, from l0 to a directory with a file f.
func chain(n int) []string {
	layout := []string{"file d/f inside"}
	for i := range n {
		target := "d"
		if i < n-1 {
			target = name("l", i+1)
		}
		layout = append(layout, "link "+name("l", i)+" "+target)
	}
	return layout
}
