package driver

import "path"

// HiddenByFile reports whether a layer deletes name from the layers below by a file
// beside it (".wh.NAME"), and not by a node of that name. Where no such files can be, as
// in native layers, it asks nothing.
func HiddenByFile(files Files, name string) (bool, error) {
	switch f := files.(type) {
	case *VFS:
		return false, nil
	case *Overlay:
		if !f.opts.WhiteoutFiles {
			return false, nil
		}
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

// nameMax is how long one component of a name may be, in bytes.
const nameMax = 255
