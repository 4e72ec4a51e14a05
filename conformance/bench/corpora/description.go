package corpora

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Description of a corpus in a store, as mkcorpus leaves it beside the store when it is complete.
type Description struct {
	Image  string  // the image's name
	Layers []Layer // base first
}

// Layer of a corpus.
type Layer struct {
	ID      string
	DiffID  string // of the tar, by the storage library that unpacked it
	Size    int64  // bytes of the tar
	Entries int
}

// Root is the store in the folder of a corpus, RunRoot its run root.
func Root(dir string) string { return filepath.Join(dir, "storage") }

// RunRoot is the run root of the store in the folder of a corpus.
func RunRoot(dir string) string { return filepath.Join(dir, "run") }

// Folder is where a corpus lies in a work folder.
func Folder(work, name string) string {
	return filepath.Join(work, fmt.Sprintf("%s-%d", name, Version))
}

const descriptionFile = "corpus.json"

// Read returns the description in the folder of a corpus; the error matches fs.ErrNotExist when there is none.
func Read(dir string) (Description, error) {
	var d Description
	raw, err := os.ReadFile(filepath.Join(dir, descriptionFile))
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(raw, &d)
}

// Write leaves the description in the folder of a corpus.
func (d Description) Write(dir string) error {
	raw, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, descriptionFile), raw, 0o644)
}

// Size is the number of bytes of all tars.
func (d Description) Size() (total int64) {
	for _, l := range d.Layers {
		total += l.Size
	}
	return total
}

// Entries is the number of entries of all tars.
func (d Description) Entries() (total int) {
	for _, l := range d.Layers {
		total += l.Entries
	}
	return total
}
