package driver

import "path"

// HiddenByFile reports whether a layer deletes name from the layers below by a file
// beside it (".wh.NAME"), and not by a node of that name. Where no such files can be, as
// in native layers, it asks nothing.
func HiddenByFile(files Files, name string) (bool, error) {
	if f, ok := files.(interface{ HidesByFile() bool }); ok && !f.HidesByFile() {
		return false, nil
	}
	at, err := clean(name)
	if err != nil || at == "" {
		return false, err
	}
	base := path.Base(at)
	if len(base)+len(whiteoutPrefix) > nameMax {
		return false, nil
	}
	n, err := files.Lstat(path.Join(parent(at), whiteoutPrefix+base))
	if absent(err) {
		return false, nil
	}
	return err == nil && n.Hides == base, err
}

// HidesByFile reports whether deletions may be spelled as files beside what they
// delete: see [HiddenByFile].
func (o *Overlay) HidesByFile() bool { return o.opts.WhiteoutFiles }

// HidesByFile says that a vfs layer has no marks.
func (v *VFS) HidesByFile() bool { return false }

// HidesByFile says that the table of contents has what the tar had.
func (c *Composefs) HidesByFile() bool { return true }

// nameMax is how long one component of a name may be, in bytes.
const nameMax = 255
