package conformance

import (
	"archive/tar"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cstor-go/cstor/conformance/answer"
)

// difference is a known way in which a tar deviates that was made where there is no exact one.
type difference struct {
	name, reason string
	is           func(answer.Deviation) bool
}

// explain finds the reason of each deviation, the first that is known. All that are known must be needed.
func explain(t *testing.T, whose string, deviations []answer.Deviation, known []*difference) {
	t.Helper()
	needed := map[*difference]bool{}
next:
	for _, d := range deviations {
		for _, k := range known {
			if k.is(d) {
				needed[k] = true
				continue next
			}
		}
		t.Errorf("%s: %s", whose, d)
	}
	for _, k := range known {
		if !needed[k] {
			t.Errorf("%s does not deviate in: %s (%s)", whose, k.name, k.reason)
		}
	}
}

// The differences. A tar that cstor makes of a tree is compared with the tar that the layer was made from, or with the
// reference's, which also walks the tree, or compares two.
var (
	rootDirectory = &difference{
		"root directory", "no entry before, one for the layer's own directory after",
		func(d answer.Deviation) bool { return d.Name == "." && d.Field == "extra" },
	}
	impliedDirectories = &difference{
		"implied directories", "the tar has no entry for a directory that it puts something into, the disk has the directory",
		func(d answer.Deviation) bool { return d.Field == "implied" },
	}
	marks = &difference{
		"headers of marks", "nobody asks for mode, owner, time or link of a mark of deletion",
		func(d answer.Deviation) bool {
			return isMark(d.Name) && slices.Contains([]string{"mode", "owner", "time", "link"}, d.Field)
		},
	}
	ownersNames = &difference{
		"owners' names", "a tree has ids, and so have tables of contents other than those of eStargz",
		func(d answer.Deviation) bool { return d.Field == "owner's name" && d.Got.Uname+d.Got.Gname == "" },
	}
	linkedModes = &difference{
		"modes by links", "a hard link's header has another mode than the file's: the last one that was unpacked is on disk",
		func(d answer.Deviation) bool {
			return d.Field == "mode" && d.Want.Type == tar.TypeReg && d.Got.Mode == 0o777
		},
	}
	oldTimes = &difference{
		"times before 1970", "unpacking makes them 1970",
		func(d answer.Deviation) bool {
			return d.Field == "time" && d.Want.ModTime.Unix() < 0 && d.Got.ModTime.Unix() == 0
		},
	}
	lateTimes = &difference{
		"times of directories and links", "the reference does not set them when it unpacks by a table of contents",
		func(d answer.Deviation) bool {
			return d.Field == "time" && (d.Want.Type == tar.TypeDir || d.Want.Type == tar.TypeSymlink)
		},
	}
	nodes = &difference{
		"pipes and devices", "unpacking left them out: all by a table of contents, devices for an ordinary user",
		func(d answer.Deviation) bool {
			return d.Field == "missing" && strings.ContainsRune("\x33\x34\x36", rune(d.Want.Type))
		},
	}
	hostOwners = &difference{
		"owners", "those on disk: on the host, of an ordinary user",
		func(d answer.Deviation) bool { return d.Field == "owner" && d.Got.UID >= 1000 && d.Got.GID >= 1000 },
	}
	insideOwners = &difference{
		"owners inside", "the reference gives those on disk: of an ordinary user, or of a container whose id maps only its own record has",
		func(d answer.Deviation) bool {
			return d.Field == "owner" && d.Want.UID >= 1000 && d.Want.GID >= 1000 && d.Got.UID < 1000 && d.Got.GID < 1000
		},
	}
	insideCapabilities = &difference{
		"capabilities inside", "the reference gives those on disk, which name the root of a user namespace",
		func(d answer.Deviation) bool {
			return d.Field == "attributes" && len(d.Want.Xattrs["security.capability"]) == 24 && len(d.Got.Xattrs["security.capability"]) == 20
		},
	}
	capabilities = &difference{
		"capabilities", "set in a user namespace, they name its root (linux capabilities(7), VFS_CAP_REVISION_3)",
		func(d answer.Deviation) bool {
			return d.Field == "attributes" && len(d.Want.Xattrs["security.capability"]) == 20 && len(d.Got.Xattrs["security.capability"]) == 24
		},
	}
	notUTF8 = &difference{
		"names that are not UTF-8", "a table of contents is JSON, which has none",
		func(d answer.Deviation) bool {
			return d.Field == "missing" && !utf8.ValidString(d.Name) || d.Field == "extra" && strings.ContainsRune(d.Name, utf8.RuneError)
		},
	}
	spelledOut = &difference{
		"opaque directories spelled out", "comparing trees tells which names are gone, not whether the directory hides all: one mark for each name",
		func(d answer.Deviation) bool {
			if d.Field == "missing" {
				return path.Base(d.Name) == ".wh..wh..opq"
			}
			return d.Field == "extra" && isMark(d.Name)
		},
	}
	idleMarks = &difference{
		"marks of nothing", "what deletes a name that is not there leaves no trace in a tree",
		func(d answer.Deviation) bool { return d.Field == "missing" && isMark(d.Name) },
	}
	linkedNodes = &difference{
		"hard links of links", "cstor makes hard links of regular files only, the reference of symbolic links and other nodes, too",
		func(d answer.Deviation) bool {
			return (d.Field == "type" || d.Field == "link") && d.Want.Type == tar.TypeLink && d.Got.Type == tar.TypeSymlink
		},
	}
	usersOpaque = &difference{
		"opaque directories of a user", "the reference, run by root, looks for trusted.overlay.opaque only, and takes them for others",
		func(d answer.Deviation) bool { return d.Field == "extra" && path.Base(d.Name) == ".wh..wh..opq" },
	}
	allOpaque = &difference{
		"new directories opaque", "fuse-overlayfs marks every directory that it makes, the reference tells by comparing",
		func(d answer.Deviation) bool { return d.Field == "extra" && path.Base(d.Name) == ".wh..wh..opq" },
	}
	namesHidden = &difference{
		"opaque directories by name", "the reference, which compares trees, deletes one by one what cstor hides as a whole",
		func(d answer.Deviation) bool { return d.Field == "missing" && isMark(d.Name) },
	}
	unseenAttributes = &difference{
		"attributes of linked files", "the reference, which looks through fuse-overlayfs, does not see that one of two names has got an attribute",
		func(d answer.Deviation) bool { return d.Field == "extra" && d.Got.Xattrs["user.added"] != "" },
	}
	objects = &difference{
		"objects in place of files", "the reference walks the folder of objects",
		func(d answer.Deviation) bool {
			return d.Field == "missing" || d.Field == "extra" && objectName.MatchString(d.Name)
		},
	}
)

var objectName = regexp.MustCompile(`^[0-9a-f]{2}(/[0-9a-f]{62})?$`)

// isMark tells whether an entry deletes something.
func isMark(name string) bool { return strings.HasPrefix(path.Base(name), ".wh.") }
