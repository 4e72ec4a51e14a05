package corpus

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cstor-go/cstor/conformance/fixture"
	"github.com/cstor-go/cstor/conformance/peers"
)

//go:embed build.sh
var buildScript []byte

// Lab is what all stores of a test run share. It is safe for concurrent use until Close.
type Lab struct {
	work     string // a folder on this machine
	in       string // the input, in work
	registry *registry

	places map[string]func() *place // by peer; made at the first call

	archives func() ([]fixture.Archive, error) // written into the folder that archived names, at the first call

	mu     sync.Mutex
	stores map[string]func() (*Store, error)
	used   []*place
}

// place is a running peer with its work folder.
type place struct {
	peer *peers.Peer
	dir  string // as the peer sees it
	err  error
}

// NewLab makes the input images and starts the registry. Peers are started when they are first needed.
func NewLab(ctx context.Context) (*Lab, error) {
	work, err := os.MkdirTemp("", "cstor-conformance-")
	if err != nil {
		return nil, err
	}
	lab := &Lab{work: work, in: filepath.Join(work, "in"), stores: make(map[string]func() (*Store, error))}
	lab.places = make(map[string]func() *place)
	for _, name := range peers.Names {
		lab.places[name] = sync.OnceValue(func() *place { return lab.start(context.WithoutCancel(ctx), name) })
	}
	lab.archives = sync.OnceValues(func() ([]fixture.Archive, error) {
		return fixture.WriteArchives(context.WithoutCancel(ctx), lab.archived())
	})
	if err := lab.fill(ctx); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	return lab, nil
}

func (lab *Lab) fill(ctx context.Context) error {
	if err := os.Mkdir(lab.in, 0o755); err != nil {
		return err
	}
	if err := errors.Join(fixture.Write(lab.in), fixture.WriteStacks(lab.in)); err != nil {
		return err
	}
	if err := writeChunked(ctx, lab.in); err != nil {
		return fmt.Errorf("make zstd:chunked images: %w", err)
	}
	if err := writeEStargz(lab.in); err != nil {
		return fmt.Errorf("make eStargz images: %w", err)
	}
	if err := os.WriteFile(filepath.Join(lab.in, "refs"), []byte(strings.Join(fixture.References(), "\n")+"\n"), 0o644); err != nil {
		return err
	}
	var err error
	lab.registry, err = serveLayouts(lab.in)
	return err
}

// Archives lists what [fixture.WriteArchives] made for the stores of [Archives]; the error is its.
func (lab *Lab) Archives() ([]fixture.Archive, error) { return lab.archives() }

func (lab *Lab) archived() string { return filepath.Join(lab.work, Archived) }

// Peer returns the running peer of that name; the error matches [peers.ErrMissing] when it cannot be had.
func (lab *Lab) Peer(name string) (*peers.Peer, error) {
	p, err := lab.place(name)
	if err != nil {
		return nil, err
	}
	return p.peer, nil
}

func (lab *Lab) place(name string) (*place, error) {
	start, ok := lab.places[name]
	if !ok {
		return nil, fmt.Errorf("no peer %q", name)
	}
	p := start()
	return p, p.err
}

func (lab *Lab) start(ctx context.Context, name string) *place {
	p := &place{}
	if p.peer, p.err = peers.Start(ctx, name); p.err == nil {
		p.err = p.furnish(lab.in)
		lab.mu.Lock()
		lab.used = append(lab.used, p)
		lab.mu.Unlock()
	}
	return p
}

// furnish makes the work folder in the peer and copies the input and the script into it.
func (p *place) furnish(in string) error {
	base := filepath.Join(p.peer.Root, "var/tmp")
	dir, err := os.MkdirTemp(base, fmt.Sprintf("cstor-conformance-%d-", os.Getpid()))
	if err != nil {
		return err
	}
	p.dir = filepath.Join("/var/tmp", filepath.Base(dir))
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(dir, "in"), os.DirFS(in)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "build.sh"), buildScript, 0o755)
}

// Close stops the peers and removes everything that was built.
func (lab *Lab) Close() error {
	var errs []error
	if lab.registry != nil {
		errs = append(errs, lab.registry.Close())
	}
	for _, p := range lab.used {
		errs = append(errs, p.peer.Stop())
		if p.dir != "" {
			errs = append(errs, os.RemoveAll(filepath.Join(p.peer.Root, p.dir)))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(lab.work))...)
}
