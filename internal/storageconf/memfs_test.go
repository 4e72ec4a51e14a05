package storageconf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// memFS is a system in memory. Relative paths lie below /cwd.
type memFS struct {
	files fstest.MapFS
	deny  map[string]error // absolute path → error of every call
}

var _ FS = memFS{}

// newFS builds a system from lines by path. A path that ends in "/" is a
// directory; its text is "" or "uid mode", as in "1000 0700". Text "-> target"
// makes a link. Everything else is a file.
func newFS(tree map[string]string) memFS {
	m := memFS{files: fstest.MapFS{}}
	for name, text := range tree {
		key := strings.Trim(name, "/")
		switch target, isLink := strings.CutPrefix(text, "-> "); {
		case isLink:
			m.files[key] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		case strings.HasSuffix(name, "/"):
			f := &fstest.MapFile{Mode: fs.ModeDir | 0o755}
			if text != "" {
				var uid, mode uint32
				if n, _ := fmt.Sscanf(text, "%d %o", &uid, &mode); n != 2 {
					panic("bad directory spec " + text)
				}
				f.Mode = fs.ModeDir | fs.FileMode(mode)
				f.Sys = &syscall.Stat_t{Uid: uid}
			}
			m.files[key] = f
		default:
			m.files[key] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
	}
	return m
}

func (m memFS) key(p string) (string, error) {
	if !strings.HasPrefix(p, "/") {
		p = "/cwd/" + p
	}
	if err := m.deny[p]; err != nil {
		return "", &fs.PathError{Op: "open", Path: p, Err: err}
	}
	p = strings.TrimPrefix(path.Clean(p), "/")
	if p == "" {
		p = "."
	}
	return p, nil
}

func (m memFS) ReadFile(p string) ([]byte, error) {
	key, err := m.key(p)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(m.files, key)
}

func (m memFS) ReadDir(p string) ([]fs.DirEntry, error) {
	key, err := m.key(p)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(m.files, key)
}

func (m memFS) Stat(p string) (fs.FileInfo, error) {
	key, err := m.key(p)
	if err != nil {
		return nil, err
	}
	return fs.Stat(m.files, key)
}

// EvalSymlinks walks the components, with ".." after links.
func (m memFS) EvalSymlinks(p string) (string, error) {
	rest := strings.Split(p, "/")
	at := "/"
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, name)
		if next == at {
			continue
		}
		info, err := fs.Lstat(m.files, strings.TrimPrefix(next, "/"))
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			at = next
			continue
		}
		if links++; links > 40 {
			return "", errors.New("too many links")
		}
		target, err := m.files.ReadLink(strings.TrimPrefix(next, "/"))
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}

// getenv makes a Getenv of a map.
func getenv(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// with returns the union of trees; later ones win.
func with(trees ...map[string]string) map[string]string {
	all := make(map[string]string)
	for _, t := range trees {
		maps.Copy(all, t)
	}
	return all
}

// hasStep reports whether the trace has such a step.
func hasStep(trace []Step, rules Rules, kind Kind, name string, state State) bool {
	for _, s := range trace {
		if s.Rules == rules && s.Kind == kind && s.Name == name && s.State == state {
			return true
		}
	}
	return false
}

func dumpTrace(t *testing.T, trace []Step) {
	t.Helper()
	for _, s := range trace {
		t.Logf("%v %s %s: %s: %s", s.Rules, s.Kind, s.Name, s.State, s.Why)
	}
}
