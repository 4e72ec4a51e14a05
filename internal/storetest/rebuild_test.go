package storetest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest"
)

// rebuild is the simplest assembler there can be.
func rebuild(l *storetest.LayerInfo) ([]byte, error) {
	f, err := os.Open(l.TarSplit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var out []byte
	for dec, n := json.NewDecoder(z), 0; ; n++ {
		var e struct {
			Type, Position int
			Name           string
			NameRaw        []byte `json:"name_raw"`
			Size           int64
			Payload        []byte
		}
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if e.Position != n {
			return nil, fmt.Errorf("position %d at %d", e.Position, n)
		}
		if e.Type == 2 {
			out = append(out, e.Payload...)
		}
		if e.Type == 2 || e.Size == 0 {
			continue
		}
		path, err := l.Path(e.Name + string(e.NameRaw))
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		sum := crc64.Checksum(content, crc64.MakeTable(crc64.ISO))
		if int64(len(content)) != e.Size || binary.BigEndian.Uint64(e.Payload) != sum {
			return nil, fmt.Errorf("%q: size or checksum differs", path)
		}
		out = append(out, content...)
	}
}

// readRecords reads one of the JSON files.
func readRecords(t *testing.T, path string) map[string]map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	byID := map[string]map[string]any{}
	for _, r := range list {
		byID[r["id"].(string)] = r
	}
	return byID
}

// checkLayers rebuilds every layer from what is on disk.
func checkLayers(t *testing.T, s *storetest.Store) {
	t.Helper()
	checked := 0
	for _, l := range s.Layers() {
		if l.Tar == nil {
			continue
		}
		checked++
		record := readRecords(t, l.Record)[l.ID]
		got, err := rebuild(&l)
		if err != nil {
			t.Errorf("layer %q: %v", l.Name, err)
			continue
		}
		if !bytes.Equal(got, l.Tar) {
			t.Errorf("layer %q: rebuilt tar (%d bytes) differs from the tar (%d bytes)", l.Name, len(got), len(l.Tar))
		}
		if want := storetest.Digest(got); record["diff-digest"] != want {
			t.Errorf("layer %q: recorded %v, rebuilt %s", l.Name, record["diff-digest"], want)
		}
		size, _ := record["diff-size"].(float64) // absent if 0
		if size != float64(len(got)) {
			t.Errorf("layer %q: recorded size %v, rebuilt %d", l.Name, size, len(got))
		}
	}
	if checked == 0 {
		t.Error("no layer has a tar")
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		spec string
		opts storetest.Options
	}{
		{"sample", storetest.Sample, storetest.Options{}},
		{"sample/vfs", storetest.Sample, storetest.Options{Driver: "vfs"}},
		{"sample/old", storetest.Sample, storetest.Options{Old: true}},
		{"sample/whiteout files", storetest.Sample, storetest.Options{Whiteouts: storetest.WhiteoutsFiles}},
		{"sample/force mask", storetest.Sample, storetest.Options{ForceMask: 0o755}},
		{"sample/split", storetest.Sample, storetest.Options{ImageStore: "images"}},
		{"sample/transient", storetest.Sample, storetest.Options{Transient: true}},
		{"quirks", storetest.Quirks, storetest.Options{}},
		{"flat", "layer a\nfile x \"1\"\nfile y \"1\"\nhardlink z x\nwhiteout w\nlayer b parent=a flat\nfile x size=200K", storetest.Options{Flat: true}},
		{"mapped", "layer a\nfile x 0644 33:33 \"1\"\nlayer m mapped=a\nimage i layer=a mapped=m", storetest.Options{Driver: "vfs"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkLayers(t, storetest.New(t, tt.spec, tt.opts))
		})
	}
}

func TestRebuildAsUser(t *testing.T) {
	t.Parallel()
	storetest.AsUser(t, func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Fatal("still root")
		}
		checkLayers(t, storetest.New(t, storetest.Sample, storetest.Options{}))
		checkLayers(t, storetest.New(t, storetest.Quirks, storetest.Options{}))
		checkLayers(t, storetest.New(t, "layer a\nfile x \"1\"", storetest.Options{Flat: true}))
	})
}

func TestForeignTar(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, "layer a format=gnu\ndir d\nfile d/f size=1000\nfile e", storetest.Options{}).Layer("a")
	for name, data := range map[string][]byte{
		"same":            made.Tar,
		"no end":          made.Tar[:len(made.Tar)-1024],
		"long tail":       append(bytes.Clone(made.Tar), make([]byte, 3<<20)...),
		"garbage at end":  append(bytes.Clone(made.Tar), "garbage"...),
		"dirty padding":   dirtyPadding(made.Tar),
		"nothing at all":  {},
		"end blocks only": make([]byte, 1024),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := storetest.Spec{Layers: []storetest.Layer{{Name: "raw", Tar: data}}}
			s := spec.New(t, storetest.Options{})
			checkLayers(t, s)
			if d := storetest.Digest(data); s.Layer("raw").DiffID != d {
				t.Errorf("diff id %s, want %s", s.Layer("raw").DiffID, d)
			}
		})
	}
}

// dirtyPadding fills the padding after the content of d/f, which begins after
// two headers.
func dirtyPadding(tar []byte) []byte {
	tar = bytes.Clone(tar)
	for i := 1024 + 1000; i < 1024+1024; i++ {
		tar[i] = 0xee
	}
	return tar
}

func TestSameTwice(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{storetest.Sample, storetest.Quirks} {
		a, b := storetest.New(t, spec, storetest.Options{}), storetest.New(t, spec, storetest.Options{})
		for i, l := range a.Layers() {
			other := b.Layers()[i]
			if l.ID != other.ID || !bytes.Equal(l.Tar, other.Tar) {
				t.Errorf("layer %q: %s and %s", l.Name, l.ID, other.ID)
			}
			if diff := cmp.Diff(readRecords(t, l.Record)[l.ID], readRecords(t, other.Record)[l.ID]); diff != "" {
				t.Errorf("layer %q: records differ: %s", l.Name, diff)
			}
		}
		for i, img := range a.Images() {
			if other := b.Images()[i]; img.ID != other.ID || img.Digest != other.Digest {
				t.Errorf("image %q: %s and %s", img.Name, img.ID, other.ID)
			}
		}
	}
}
