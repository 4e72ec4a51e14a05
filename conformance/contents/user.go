package contents

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"go.podman.io/storage/pkg/reexec"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/imagefs"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
)

// Seen is what one user sees of the images of a store through package imagefs.
type Seen struct {
	// Images are the trees by image id.
	Images map[string]Tree
	// Unknown counts the directories of layers of which the user cannot see whether they hide those below.
	Unknown int
}

// nobody is the id of a user who owns no file.
const nobody = 65534

const userName = "cstor-conformance-user"

func init() { reexec.Register(userName, userMain) }

// See looks at all images of a store.
func See(ctx context.Context, s *corpus.Store) (*Seen, error) {
	st, err := answer.OpenCstor(ctx, s)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	seen := &Seen{Images: map[string]Tree{}}
	for i, err := range st.Images() {
		if err != nil {
			return nil, err
		}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			return nil, err
		}
		for _, l := range layers {
			if err := seen.count(l, "."); err != nil {
				return nil, err
			}
		}
		fsys, err := imagefs.New(layers, imagefs.Options{})
		if err != nil {
			return nil, err
		}
		if seen.Images[i.ID()], err = OfFiles(fsys); err != nil {
			return nil, fmt.Errorf("image %s: %w", i, err)
		}
	}
	return seen, nil
}

func (s *Seen) count(l *cstor.Layer, dir string) error {
	entries, err := l.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type.IsDir() {
			continue
		}
		name := dir + "/" + e.Name
		n, err := l.Lstat(name)
		if err != nil {
			return err
		}
		if n.Opaque == driver.OpaqueUnknown {
			s.Unknown++
		}
		if err := s.count(l, name); err != nil {
			return err
		}
	}
	return nil
}

// SeeAsNobody is See in a process of its own without any rights. The program must call reexec.Init at its start.
func SeeAsNobody(ctx context.Context, s *corpus.Store) (*Seen, error) {
	cmd := reexec.CommandContext(ctx, userName)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	seen := &Seen{}
	err = errors.Join(gob.NewEncoder(in).Encode(s), in.Close())
	if err == nil {
		err = gob.NewDecoder(out).Decode(seen)
	}
	if waited := cmd.Wait(); waited != nil {
		err = fmt.Errorf("as nobody: %w: %s", waited, complaints.String())
	}
	return seen, err
}

func userMain() {
	var s corpus.Store
	err := gob.NewDecoder(os.Stdin).Decode(&s)
	var seen *Seen
	if err == nil {
		seen, err = See(context.Background(), &s)
	}
	if err == nil {
		err = gob.NewEncoder(os.Stdout).Encode(seen)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
