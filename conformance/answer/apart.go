package answer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.podman.io/storage"
	"go.podman.io/storage/pkg/reexec"

	"github.com/cstor-go/cstor/conformance/corpus"
)

// Apart are questions about layers that a process of its own puts to the reference library, because that settles once for a
// whole process how its overlay driver finds out what a layer changed: by looking at the layer, or by comparing mounted trees
// (container-libs storage/drivers/overlay/overlay.go:useNaiveDiff). Layers with tar-split do not depend on it.
type Apart struct {
	Store   *corpus.Store
	Options []string // of the driver: see [corpus.Store.OpenReference]
	Layers  []string // ids of those whose tars are asked for
	Tars    []Laid
}

// Laid is a tar that the reference is to unpack as a new layer over Parent, and to give back.
type Laid struct {
	Parent string // "" makes a base layer
	Tar    []byte
}

// ApartTar is an uncompressed tar. There may be bytes beside an error.
type ApartTar struct {
	Tar []byte
	Err string // "" for none
}

// ApartTars are the answers, in the order of the questions.
type ApartTars struct{ Layers, Tars []ApartTar }

const apartName = "cstor-conformance-apart"

func init() { reexec.Register(apartName, apartMain) }

// Ask starts this program anew, which must call reexec.Init at its start, and waits for the answers.
func (a Apart) Ask(ctx context.Context) (ApartTars, error) {
	question, err := json.Marshal(a)
	if err != nil {
		return ApartTars{}, err
	}
	dir, err := os.MkdirTemp("", "cstor-apart-")
	if err != nil {
		return ApartTars{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	reply := filepath.Join(dir, "reply")     // standard output is the library's too
	cmd := reexec.CommandContext(ctx, apartName, reply)
	var complaints bytes.Buffer // and warnings
	cmd.Stdin, cmd.Stderr = bytes.NewReader(question), &complaints
	if err := cmd.Run(); err != nil {
		return ApartTars{}, fmt.Errorf("ask the reference apart: %w: %s", err, complaints.Bytes())
	}
	b, err := os.ReadFile(reply)
	if err != nil {
		return ApartTars{}, err
	}
	var tars ApartTars
	return tars, json.Unmarshal(b, &tars)
}

// apartMain is what the process does.
func apartMain() {
	if err := answerApart(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answerApart(reply string) (err error) {
	var a Apart
	if err := json.NewDecoder(os.Stdin).Decode(&a); err != nil {
		return err
	}
	ref, err := a.Store.OpenReference(a.Options...)
	if err != nil {
		return err
	}
	defer func() {
		_, e := ref.Shutdown(true)
		err = errors.Join(err, e)
	}()
	var tars ApartTars
	for _, id := range a.Layers {
		tars.Layers = append(tars.Layers, apartTar(ref, id))
	}
	for _, laid := range a.Tars {
		tars.Tars = append(tars.Tars, laid.back(ref))
	}
	b, err := json.Marshal(tars)
	if err != nil {
		return err
	}
	return os.WriteFile(reply, b, 0o600)
}

func apartTar(ref storage.Store, id string) ApartTar {
	b, err := ReferenceTarBytes(ref, id)
	if err != nil {
		return ApartTar{b, err.Error()}
	}
	return ApartTar{Tar: b}
}

// back unpacks the tar and returns what the reference then gives.
func (l Laid) back(ref storage.Store) ApartTar {
	layer, _, err := ref.PutLayer("", l.Parent, nil, "", false, nil, bytes.NewReader(l.Tar))
	if err != nil {
		return ApartTar{Err: err.Error()}
	}
	return apartTar(ref, layer.ID)
}
