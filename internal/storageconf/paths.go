package storageconf

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cleanPath returns an absolute path in its shortest form. "..", which the
// library takes too, is thereby resolved by name and cannot lead out of the root.
func cleanPath(source, key, value string) (string, error) {
	if strings.ContainsAny(value, "\x00\n") {
		return "", &SourceError{Source: source, Key: key, Value: value, Err: ErrControl}
	}
	if !filepath.IsAbs(value) {
		return "", &SourceError{Source: source, Key: key, Value: value, Err: ErrRelative}
	}
	return filepath.Clean(value), nil
}

// literalPath is the value of a key that is used as written; "" stays empty.
func (d *discovery) literalPath(key, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	return cleanPath(d.origin[key], key, value)
}

// expandedPath is the value of a key in which "$UID", then environment
// variables, then symbolic links are replaced (container-libs
// storage/types/utils.go:expandEnvPath); "" stays empty.
func (d *discovery) expandedPath(key, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	path, err := d.expand(d.origin[key], key, value)
	if err != nil {
		return "", err
	}
	if path != value {
		d.note(KindKey, key, StateUsed, "%s is %s", quote(value), quote(path))
	}
	return path, nil
}

func (d *discovery) expand(source, key, value string) (string, error) {
	// Only "$UID" itself, not "${UID}", which is an ordinary variable.
	expanded := os.Expand(strings.ReplaceAll(value, "$UID", strconv.Itoa(d.uid)), func(name string) string {
		if name == "HOME" {
			return d.home()
		}
		return d.env(name)
	})
	path, err := cleanPath(source, key, expanded)
	if err != nil {
		return "", err
	}
	// Links come before "..", so the uncleaned path is resolved.
	if target, err := d.req.FS.EvalSymlinks(expanded); err == nil {
		return cleanPath(source, key, target)
	}
	return path, nil
}

// defaultGraphRoot is where the storage lies that no file places.
func (d *discovery) defaultGraphRoot() (string, error) {
	if !d.perUser {
		d.note(KindDefault, "graphroot", StateUsed, "%q", defaultGraphRoot)
		return defaultGraphRoot, nil
	}
	// container-libs storage/pkg/homedir/homedir.go:GetDataHome
	source, dir := "$XDG_DATA_HOME", d.env("XDG_DATA_HOME")
	if dir == "" {
		home := d.home()
		if home == "" {
			return "", &SourceError{Source: "$HOME", Err: ErrNoHome}
		}
		source, dir = "$HOME", filepath.Join(home, ".local/share")
	}
	path, err := cleanPath(source, "", filepath.Join(dir, "containers/storage"))
	if err != nil {
		return "", err
	}
	d.note(KindDefault, "graphroot", StateUsed, "%s, from %s", quote(path), source)
	return path, nil
}

// defaultRunRoot is where volatile state lies that no file places; "" if that
// cannot be told. The library would fail instead.
func (d *discovery) defaultRunRoot() string {
	if !d.perUser {
		d.note(KindDefault, "runroot", StateUsed, "%q", defaultRunRoot)
		return defaultRunRoot
	}
	dir := d.runtimeDir()
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, "containers")
	d.note(KindDefault, "runroot", StateUsed, "%s", quote(path))
	return path
}

// runtimeDir is the user's runtime directory (container-libs
// storage/pkg/homedir/homedir_unix.go:GetRuntimeDir): $XDG_RUNTIME_DIR without
// links, unless empty; else one of two directories with known names, which must
// belong to the user and be writable by nobody else. Unlike the library this
// makes no directory, so the last one may be missing. "" means that none will do.
func (d *discovery) runtimeDir() string {
	const name = "XDG_RUNTIME_DIR"
	if dir := d.env(name); dir != "" {
		path, err := cleanPath("$"+name, "", dir)
		if err != nil {
			d.note(KindVariable, name, StateError, "%v", err)
			return ""
		}
		if target, err := d.req.FS.EvalSymlinks(dir); err == nil {
			path = target
		}
		d.note(KindVariable, name, StateUsed, "%s", quote(path))
		return path
	}
	uid := strconv.Itoa(d.uid)
	if dir := "/run/user/" + uid; d.ownDir(dir) {
		return dir
	}
	dir, err := cleanPath("$TMPDIR", "", filepath.Join(cmp.Or(d.env("TMPDIR"), "/tmp"), "storage-run-"+uid))
	if err != nil {
		d.note(KindVariable, "TMPDIR", StateError, "%v", err)
		return ""
	}
	if _, err := d.req.FS.Stat(dir); missing(err) {
		d.note(KindDirectory, dir, StateMissing, "would be the runtime directory")
		return dir
	}
	if !d.ownDir(dir) {
		return ""
	}
	return dir
}

// ownDir reports whether dir may serve as a runtime directory.
func (d *discovery) ownDir(dir string) bool {
	info, err := d.req.FS.Stat(dir)
	if missing(err) {
		d.note(KindDirectory, dir, StateMissing, "")
		return false
	}
	why := ""
	switch uid, known := 0, false; {
	case err != nil:
		why = err.Error()
	default:
		uid, known = ownerOf(info)
		switch {
		case !info.IsDir():
			why = "not a directory"
		case !known:
			why = "its owner is unknown"
		case uid != d.req.UID:
			why = fmt.Sprintf("it belongs to uid %d", uid)
		case info.Mode().Perm()&0o722 != 0o700:
			why = fmt.Sprintf("mode %v: others may write in it, or the owner may not use it", info.Mode()&(fs.ModePerm|fs.ModeDir))
		}
	}
	if why != "" {
		d.note(KindDirectory, dir, StateIgnored, "not a runtime directory: %s", why)
		return false
	}
	d.note(KindDirectory, dir, StateUsed, "runtime directory")
	return true
}
