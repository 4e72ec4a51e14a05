package toc

import "path"

// landmarks are what eStargz puts into a blob for its own use and lists in the
// table, but a pull leaves out (container-libs
// storage/pkg/chunked/storage_linux.go:mustSkipFile).
var landmarks = map[string]bool{"/.prefetch.landmark": true, "/.no.prefetch.landmark": true, "/stargz.index.json": true}

// IsLandmark reports whether an entry is by its name and type one of eStargz's own
// files, which are not on disk after a pull. A file of the image that is called so
// is on disk: who needs to know has to look.
func IsLandmark(e *Entry) bool { return e.Type == TypeReg && landmarks[path.Clean("/"+e.Name)] }
