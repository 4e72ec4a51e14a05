package corpus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cstor-go/cstor/conformance/peers"
)

// Build makes the store, once for all callers, who may only read it. The error matches [peers.ErrMissing] when its peer
// cannot be had here.
func (lab *Lab) Build(ctx context.Context, c Corpus) (*Store, error) {
	ctx = context.WithoutCancel(ctx) // the store is others' too
	lab.mu.Lock()
	build, ok := lab.stores[c.Name]
	if !ok {
		build = sync.OnceValues(func() (*Store, error) { return lab.build(ctx, c) })
		lab.stores[c.Name] = build
	}
	lab.mu.Unlock()
	return build()
}

func (lab *Lab) build(ctx context.Context, c Corpus) (*Store, error) {
	if c.Peer == Library {
		return lab.buildByLibrary(ctx, c)
	}
	p, err := lab.place(c.Peer)
	if err != nil {
		return nil, err
	}
	inside := filepath.Join(p.dir, c.Name)
	outside := filepath.Join(p.peer.Root, inside)
	if err := os.MkdirAll(filepath.Join(outside, "out"), 0o755); err != nil {
		return nil, err
	}
	s := c.store(outside)
	if c.Lent {
		lender := filepath.Join(lab.work, c.Name) // copies of the store lead there, too
		if err := lab.lendImage(lender, "oci", "gzip"); err != nil {
			return nil, err
		}
		s.LayerStores = []string{lender + ":ref"}
		c.Options += fmt.Sprintf("[storage.options]\nadditionallayerstores = [%q]\n", s.LayerStores[0])
	}
	for name, text := range c.configuration(inside) {
		if err := os.WriteFile(filepath.Join(outside, "out", name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if slices.Contains(c.Steps, Archived) {
		if _, err := lab.Archives(); err != nil {
			return nil, err
		}
		if err := os.CopyFS(filepath.Join(outside, Archived), os.DirFS(lab.archived())); err != nil {
			return nil, err
		}
	}
	if c.User {
		for _, dir := range []string{outside, filepath.Join(outside, "out")} {
			if err := os.Chown(dir, 1000, 1000); err != nil { // u1, see box.sh
				return nil, err
			}
		}
	}
	_, err = p.peer.Run(ctx, peers.Command{
		Script: "bash " + p.dir + "/build.sh " + strings.Join(c.Steps, " "),
		User:   c.User,
		Env: []string{
			"IN=" + p.dir + "/in", "OUT=" + inside + "/out", "RUN=" + inside + "/run",
			"REGISTRY=" + lab.registry.addr, "ARCHIVES=" + filepath.Join(inside, Archived),
		},
		Timeout: 3 * time.Minute,
	})
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", c.Name, err)
	}
	return s, nil
}

// store says where a store built in dir lies.
func (c Corpus) store(dir string) *Store {
	s := &Store{
		Driver: c.Driver, User: c.User, Transient: c.Transient, Fuse: strings.Contains(c.Options, fuse), Base: dir,
		GraphRoot: filepath.Join(dir, "root"), RunRoot: filepath.Join(dir, "run"),
	}
	if c.Split {
		s.ImageStore = filepath.Join(dir, "images")
	}
	if c.Lender {
		s.Additional = []string{filepath.Join(dir, "lender")}
	}
	return s
}

// configuration returns the configuration files of a store in dir, by name.
func (c Corpus) configuration(dir string) map[string]string {
	s := c.store(dir)
	files := map[string]string{"storage.conf": s.Configuration() + c.Options}
	if c.Lender {
		lender := *s
		lender.GraphRoot, lender.Additional = s.Additional[0], nil
		files["lender.conf"] = lender.Configuration() + c.Options
	}
	return files
}

// Configuration returns a storage.conf for the store, to which more tables can be added.
func (s *Store) Configuration() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[storage]\ndriver = %q\ngraphroot = %q\nrunroot = %q\n", s.Driver, s.GraphRoot, s.RunRoot)
	if s.User {
		// Storage libraries up to 1.62 do not let graphroot speak for an ordinary user, or not in every tool.
		fmt.Fprintf(&b, "rootless_storage_path = %q\n", s.GraphRoot)
	}
	if s.ImageStore != "" {
		fmt.Fprintf(&b, "imagestore = %q\n", s.ImageStore)
	}
	if s.Transient {
		b.WriteString("transient_store = true\n")
	}
	if len(s.Additional) > 0 {
		fmt.Fprintf(&b, "[storage.options]\nadditionalimagestores = [%q]\n", s.Additional[0])
	}
	return b.String()
}
