package toc

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// Types of entries, as they are spelled in a table.
const (
	TypeReg      = "reg"
	TypeDir      = "dir"
	TypeSymlink  = "symlink"
	TypeHardlink = "hardlink"
	TypeChar     = "char"
	TypeBlock    = "block"
	TypeFifo     = "fifo"
	TypeChunk    = "chunk"
)

// Entry is one entry of a table. All keys but name and type are absent when zero.
type Entry struct {
	// Name as in the tar, or without its leading "./" or "/"; directories may end
	// in "/". May be empty in a chunk, which belongs to the file before it.
	Name string `json:"name"`
	// Type is one of the constants above; a chunk is a further piece of the file
	// before it.
	Type string `json:"type"`
	// LinkName is the target of a symbolic link, or the name of the entry that a
	// hard link repeats.
	LinkName string `json:"linkName,omitempty"`
	// Mode is the mode of the tar header; zstd:chunked adds the file type bits.
	Mode int64 `json:"mode,omitempty"`
	// Size of a regular file in bytes.
	Size int64 `json:"size,omitempty"`
	UID  int64 `json:"uid,omitempty"`
	GID  int64 `json:"gid,omitempty"`
	// UserName and GroupName exist in eStargz only, perhaps only where an owner
	// is first used.
	UserName  string `json:"userName,omitempty"`
	GroupName string `json:"groupName,omitempty"`
	// ModTime has whole seconds in eStargz, where the epoch itself is absent.
	ModTime  time.Time `json:"modtime,omitzero"`
	DevMajor int64     `json:"devMajor,omitempty"`
	DevMinor int64     `json:"devMinor,omitempty"`
	// Xattrs holds values as raw bytes.
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
	// Digest of the whole content of a regular file; absent, or that of nothing,
	// if it is empty.
	Digest digest.Digest `json:"digest,omitempty"`
}
