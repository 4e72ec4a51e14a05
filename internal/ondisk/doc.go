// Package ondisk holds the JSON records of a containers-storage as they lie on
// disk, and the small encodings around them: how a big data key becomes a file
// name, and the last-writer token in a lock file.
//
// A store keeps three lists, each one JSON array in a file that its writers
// replace by rename: layers (layers.json, and volatile-layers.json for what does
// not survive a reboot), images (images.json) and containers (containers.json and
// its volatile sister). The types here are those records field by field; they
// carry no behaviour, resolve nothing and open nothing. What the records mean
// together is the business of package cstor.
//
// Everything decoded here is untrusted. The decoders take whole files whose size
// the caller has bounded, limit how many records a file may hold, and refuse ids
// that could not be the name of one directory entry, because ids are used as such.
//
// The field names are those of container-libs storage/layers.go (type Layer),
// storage/images.go (type Image) and storage/containers.go (type Container).
package ondisk
