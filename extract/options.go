package extract

import "github.com/cstor-go/cstor"

// Reflink says how the content of files gets into a directory.
type Reflink string

const (
	// ReflinkAlways shares the blocks of every file with the store. Where that is not
	// to be had, the error matches [ErrNoReflink].
	ReflinkAlways Reflink = "always"
	// ReflinkAuto shares blocks where it can, and copies elsewhere.
	ReflinkAuto Reflink = "auto"
	// ReflinkNever copies all content, so that nothing is shared.
	ReflinkNever Reflink = "never"
)

// Whiteouts says what becomes of a single layer's marks of what it deletes from the
// layers below.
type Whiteouts string

const (
	// WhiteoutsFiles keeps them as files with the names that tars have: ".wh.NAME" and
	// ".wh..wh..opq".
	WhiteoutsFiles Whiteouts = "files"
	// WhiteoutsOverlay writes what the overlay file system understands: devices 0:0,
	// and the attribute trusted.overlay.opaque of directories.
	WhiteoutsOverlay Whiteouts = "overlay"
)

// Options of [Dir]. The zero value is ready to use.
type Options struct {
	// Reflink: "" is ReflinkAlways.
	Reflink Reflink
	// NoSameOwner leaves everything to the user who extracts. Set-id bits then stay only
	// where they mean that same user or group.
	NoSameOwner bool
	// UIDMap and GIDMap translate the owners of the image, ContainerID, to HostID, and so
	// the ids in access control lists and the root for whom capabilities of files count.
	// An id that is in no range is an error. Empty: ids stay as they are. Not with
	// NoSameOwner.
	UIDMap, GIDMap []cstor.IDMap
	// Path is a directory of the image to extract, in the place of all of it; links in
	// it are followed inside the image. "": the root.
	Path string
	// Whiteouts makes a single layer be extracted with its marks of deletion; "": without.
	// With more layers than one it is an error, and so it is with Path.
	Whiteouts Whiteouts
	// Lossy leaves out what the destination cannot hold (owners, set-id bits,
	// attributes, devices, times) and counts it in [Report.Lost]; else it is an error. What an
	// ordinary user may not do is always counted and no error.
	Lossy bool
	// KeepPartial leaves what there is after an error; else it is removed.
	KeepPartial bool
	// Verify checks content: see [Report.Unverified].
	Verify bool
	// Parallel is how many entries are made at a time; 0 is one a core, from 2 to 8: more
	// are in each other's way in the file system. Nearly all time passes in system calls,
	// during which Go's scheduler starts threads for others unless it has a processor
	// left: where nothing else goes on, a GOMAXPROCS above Parallel saves a tenth.
	Parallel int
	// Begin, if not nil, is told once, before Progress is called, what there is to do. That
	// takes a walk through the tree, some 50 ms for 100,000 entries.
	Begin func(Total)
	// Progress, if not nil, is told what more has been done, by several goroutines.
	Progress func(Progress)
}

// Total is what there is to do.
type Total struct {
	Files int64 // regular files, each inode once, without those that are marks of deletion
	Bytes int64 // of their content
}

// Progress is what has been done since it was last told.
type Progress struct {
	Files          int64 // regular files, each inode once
	Shared, Copied int64 // bytes of content
}

// Report says what [Dir] or [Tar] has written.
type Report struct {
	// Files are regular files, each once; Links further names of them; Others devices
	// and FIFOs.
	Files, Links, Dirs, Symlinks, Others int64
	// Shared and Copied are bytes of content; of a file with holes, its length.
	Shared, Copied int64
	// Lost is what was left out; see [Options.Lossy].
	Lost Lost
	// Unverified are the layers of which Options.Verify could not check all content, for
	// want of digests, or because unpacking did not keep all of their tars
	// ([tarsplit.ErrLost]). The content of others is that of the tars with the recorded diff
	// ids, and copies have been compared with it. Nil without Verify.
	Unverified []*cstor.Layer
}

// Lost says what of an image is not in the directory.
type Lost struct {
	Owners  Loss // a file belongs to who extracted it
	SetIDs  Loss // set-user-id and set-group-id bits, which would have meant another owner
	Xattrs  Loss // attributes
	Devices Loss // that are not there
	Times   Loss // a file has those of its extraction; only where the kernel counts seconds in 32 bits
}

// Any reports whether there was any loss.
func (l Lost) Any() bool {
	return l.Owners.Count+l.SetIDs.Count+l.Xattrs.Count+l.Devices.Count+l.Times.Count > 0
}

// Loss counts one kind of loss.
type Loss struct {
	Count int64
	First string // the first path in the order of their bytes
	Err   error  // why, there; nil where it was decided without trying
}

func (l *Loss) add(path string, err error) { l.join(Loss{1, path, err}) }

func (l *Loss) join(m Loss) {
	if m.Count == 0 {
		return
	}
	if l.Count == 0 || m.First < l.First {
		l.First, l.Err = m.First, m.Err
	}
	l.Count += m.Count
}

// join adds what another goroutine has done.
func (r *Report) join(o *Report) {
	r.Files += o.Files
	r.Links += o.Links
	r.Dirs += o.Dirs
	r.Symlinks += o.Symlinks
	r.Others += o.Others
	r.Shared += o.Shared
	r.Copied += o.Copied
	r.Lost.Owners.join(o.Lost.Owners)
	r.Lost.SetIDs.join(o.Lost.SetIDs)
	r.Lost.Xattrs.join(o.Lost.Xattrs)
	r.Lost.Devices.join(o.Lost.Devices)
	r.Lost.Times.join(o.Lost.Times)
}
