package storetest_test

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/internal/storetest"
)

const faultSpec = `
layer base
  dir  d 0555
  file d/f 0444 "content"
layer app parent=base
  file g "content"
image i layer=app
container c image=i
`

// size is what a tar-split expands to.
func size(t *testing.T, path string) (n int64, err error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, z)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	record := func(s *storetest.Store, t *testing.T) map[string]any {
		return readRecords(t, s.Layer("app").Record)[s.Layer("app").ID]
	}
	file := func(t *testing.T, parts ...string) string {
		data, err := os.ReadFile(filepath.Join(parts...))
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}
	f := func(s *storetest.Store) string { return filepath.Join(s.Layer("base").Diff, "d/f") }
	for line, damaged := range map[string]func(*testing.T, *storetest.Store) bool{
		"truncate-tar-split app -10": func(t *testing.T, s *storetest.Store) bool {
			_, err := size(t, s.Layer("app").TarSplit)
			return errors.Is(err, io.ErrUnexpectedEOF)
		},
		"truncate-tar-split app 0": func(t *testing.T, s *storetest.Store) bool {
			_, err := size(t, s.Layer("app").TarSplit)
			return errors.Is(err, io.EOF)
		},
		"tar-split app {} `{\"a\":1}`": func(t *testing.T, s *storetest.Store) bool {
			n, err := size(t, s.Layer("app").TarSplit)
			return n == int64(len("{}\n{\"a\":1}\n")) && err == nil
		},
		"bomb-tar-split app 100M": func(t *testing.T, s *storetest.Store) bool {
			info, err := os.Stat(s.Layer("app").TarSplit)
			if err != nil || info.Size() > 1<<20 {
				return false
			}
			n, err := size(t, s.Layer("app").TarSplit)
			return err == nil && n > 100<<20
		},
		"remove-tar-split app": func(_ *testing.T, s *storetest.Store) bool {
			_, err := os.Stat(s.Layer("app").TarSplit)
			return errors.Is(err, fs.ErrNotExist)
		},
		"remove base d/f": func(t *testing.T, s *storetest.Store) bool { return look(t, f(s)) == "absent" },
		"replace base d/f other": func(t *testing.T, s *storetest.Store) bool {
			return file(t, f(s)) == "other"
		},
		"fifo base d/f": func(t *testing.T, s *storetest.Store) bool {
			return strings.HasPrefix(look(t, f(s)), "0010644")
		},
		"link base d/f /etc/passwd": func(t *testing.T, s *storetest.Store) bool {
			return strings.HasSuffix(look(t, f(s)), "to /etc/passwd")
		},
		"resize base d/f 3":  func(t *testing.T, s *storetest.Store) bool { return file(t, f(s)) == "con" },
		"resize base d/f 9":  func(t *testing.T, s *storetest.Store) bool { return file(t, f(s)) == "content\x00\x00" },
		"resize base d/f -1": func(t *testing.T, s *storetest.Store) bool { return file(t, f(s)) == "conten" },
		"corrupt base d/f":   func(t *testing.T, s *storetest.Store) bool { return file(t, f(s)) == "conten\x8b" },
		"drop-layer app":     func(t *testing.T, s *storetest.Store) bool { return record(s, t) == nil },
		"parent app app": func(t *testing.T, s *storetest.Store) bool {
			return record(s, t)["parent"] == s.Layer("app").ID
		},
		"parent app nobody":               func(t *testing.T, s *storetest.Store) bool { return record(s, t)["parent"] == "nobody" },
		"edit-layer app diff-size -1":     func(t *testing.T, s *storetest.Store) bool { return record(s, t)["diff-size"] == -1.0 },
		"edit-layer app diff-digest null": func(t *testing.T, s *storetest.Store) bool { return record(s, t)["diff-digest"] == nil },
		"edit-layer app names `[\"a\",1]`": func(t *testing.T, s *storetest.Store) bool {
			names, _ := record(s, t)["names"].([]any)
			return len(names) == 2
		},
		"edit-image i layer 5": func(t *testing.T, s *storetest.Store) bool {
			return readRecords(t, s.Image("i").Record)[s.Image("i").ID]["layer"] == 5.0
		},
		"edit-container c image `\"x\"`": func(t *testing.T, s *storetest.Store) bool {
			return readRecords(t, s.Container("c").Record)[s.Container("c").ID]["image"] == "x"
		},
		"remove-link app": func(t *testing.T, s *storetest.Store) bool {
			return look(t, filepath.Join(s.Root, "overlay/l", s.Layer("app").Link)) == "absent"
		},
		"set-link app ../../..": func(t *testing.T, s *storetest.Store) bool {
			return strings.HasSuffix(look(t, filepath.Join(s.Root, "overlay/l", s.Layer("app").Link)), "to ../../..")
		},
		"lower app l/X:l/Y": func(t *testing.T, s *storetest.Store) bool { return file(t, s.Layer("app").Dir, "lower") == "l/X:l/Y" },
		"lower-layers app x": func(t *testing.T, s *storetest.Store) bool {
			return file(t, s.Layer("app").Dir, "lower-layers") == "x"
		},
		"big-data i manifest {}": func(t *testing.T, s *storetest.Store) bool {
			return file(t, s.Image("i").Dir, "manifest") == "{}"
		},
		"remove-big-data i config": func(t *testing.T, s *storetest.Store) bool {
			return look(t, filepath.Join(s.Image("i").Dir, storetest.BigDataName(storetest.Digest(s.Image("i").Config)))) == "absent"
		},
		"write overlay-layers/layers.json [": func(t *testing.T, s *storetest.Store) bool {
			return file(t, s.Root, "overlay-layers/layers.json") == "["
		},
		"delete overlay": func(t *testing.T, s *storetest.Store) bool {
			return look(t, filepath.Join(s.Root, "overlay")) == "absent"
		},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if s := storetest.New(t, faultSpec, storetest.Options{}); damaged(t, s) {
				t.Error("damaged without the fault")
			}
			if s := storetest.New(t, faultSpec+"break "+line, storetest.Options{}); !damaged(t, s) {
				t.Error("not damaged")
			}
		})
	}
}

func TestFaultsAsUser(t *testing.T) {
	t.Parallel()
	storetest.AsUser(t, func(t *testing.T) {
		s := storetest.New(t, faultSpec, storetest.Options{})
		s.Apply(t, storetest.CorruptFile("base", "d/f"), storetest.ResizeFile("base", "d/f", 3), storetest.ReplaceWithFIFO("base", "d/f"))
		info, err := os.Lstat(filepath.Join(s.Layer("base").Diff, "d"))
		if err != nil || info.Mode().Perm() != 0o555 {
			t.Errorf("folder of the file: %v, %v", info, err)
		}
	})
}

func TestFaultOfNothing(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, faultSpec, storetest.Options{})
	nothing := func(map[string]any) {}
	for name, fault := range map[string]storetest.Fault{
		"layer":     storetest.DropLayer("x"),
		"image":     storetest.EditImage("x", nothing),
		"container": storetest.EditContainer("x", nothing),
		"big data":  storetest.SetBigData("x", "manifest", ""),
		"file":      storetest.RemoveFile("base", "x"),
		"a folder":  storetest.ResizeFile("base", "d", 3),
		"path":      storetest.Delete("x"),
	} {
		if err := fault(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
