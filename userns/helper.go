package userns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/relay"
)

// ErrHelperEnded is matched by the errors of all calls whose helper process has ended, for
// whatever reason, or does not answer as it should. The next layer that is opened starts
// another process.
var ErrHelperEnded = relay.ErrEnded

// Helper reads a rootless store for a program that stays outside of the user's
// namespace, where it may not read all of the store's files, and sees owners as ids of
// the machine. It is what cstor.Options.Helper takes.
//
// For each store that belongs to the calling user, who is not root ([Needed]), together
// with those that are configured beside it, it starts a process when the first layer is
// opened: this program once more, which [Init] lets do nothing but answer this process
// about those stores (packages are initialised before). Layers of other users' stores are
// opened without. The process opens nothing outside of the stores, and writes nothing
// (a kernel with Landlock keeps it from changing names and contents, whatever it does, but
// not permissions and times); it ends with Close, and when this process ends in whatever way. Open files that it hands
// over are regular files of layers, open for reading only.
//
// The process joins the namespace that podman keeps for the user, or else has a new one with
// the ids that /etc/subuid and /etc/subgid give him, by newuidmap and newgidmap, or with his
// own id alone if they give him none. There are no other ways, unlike those of [Enter]: who
// has subordinate ids from a directory service alone lets podman make its namespace before.
//
// The zero value is ready to use. A Helper must not be copied, is safe for concurrent use,
// may serve any number of stores, and outlives them: the caller closes it last. Errors of
// starting, which takes some 10 to 20 ms, are those of opening a layer.
type Helper struct {
	mu        sync.Mutex
	closed    bool
	closing   chan struct{}         // closed by Close; nil before the first process
	processes map[string]*processOf // by the stores

	// For tests: role is that of the processes, "" means "helper"; start starts a command,
	// nil means startInNamespace; always helps stores that need none, too.
	role   string
	start  starter
	always bool
}

var _ driver.Helper = (*Helper)(nil)

// processOf is the process for some stores, which may have yet to be started.
type processOf struct {
	mu      sync.Mutex // held while it is started
	process *process
}

// errHelperClosed is what calls give after Close.
var errHelperClosed = fmt.Errorf("userns: the helper is closed: %w", fs.ErrClosed)

// startTimeout is how long starting a process may take.
const startTimeout = time.Minute

var errSlowStart = fmt.Errorf("it takes more than %v: %w", startTimeout, context.DeadlineExceeded)

// OpenLayer implements [driver.Helper].
func (h *Helper) OpenLayer(stores []*beneath.Dir, spec driver.Spec) (driver.Tree, error) {
	places := append([]driver.Place{spec.Layer}, spec.Lowers...)
	client, err := h.client(stores, places...)
	if err != nil {
		return nil, err
	}
	if client == nil {
		return driver.Open(stores, spec)
	}
	return client.Open(spec)
}

// ReadItem implements [driver.Helper].
func (h *Helper) ReadItem(stores []*beneath.Dir, at driver.Place, name string) (driver.Item, error) {
	client, err := h.client(stores, at)
	if err != nil {
		return driver.Item{}, err
	}
	if client == nil {
		return driver.ReadItem(stores, at, name)
	}
	return client.ReadItem(at, name)
}

// Close ends the processes and waits for them. Calls under way, and all later ones,
// fail with errors that match [fs.ErrClosed]; files that were opened stay valid. Twice is
// fine.
func (h *Helper) Close() error {
	h.mu.Lock()
	all := h.processes
	h.processes = nil
	if h.closing != nil && !h.closed {
		close(h.closing)
	}
	h.closed = true
	h.mu.Unlock()
	var err error
	for _, p := range all {
		p.mu.Lock()
		if p.process != nil {
			err = errors.Join(err, p.process.close())
		}
		p.mu.Unlock()
	}
	return err
}

// client returns the client for some stores, after starting the process if need be; nil
// if none of the places is in a store that needs one.
func (h *Helper) client(stores []*beneath.Dir, places ...driver.Place) (*relay.Client, error) {
	needed := false
	for _, p := range places {
		if p.Store >= 0 && p.Store < len(stores) { // else it will be refused
			needed = needed || h.always || owned(stores[p.Store])
		}
	}
	if !needed {
		return nil, h.open()
	}
	key, err := identify(stores)
	if err != nil {
		return nil, err
	}
	p, err := h.processOf(key)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil && p.process.client.Ended() {
		_ = p.process.close() // what it said at its end helps nobody
		p.process = nil
	}
	if p.process == nil {
		if p.process, err = h.startProcess(stores); err != nil {
			return nil, &startError{err}
		}
	}
	return p.process.client, nil
}

// open returns an error if the helper is closed.
func (h *Helper) open() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errHelperClosed
	}
	return nil
}

func (h *Helper) processOf(key string) (*processOf, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errHelperClosed
	}
	if h.processes == nil {
		h.processes, h.closing = map[string]*processOf{}, make(chan struct{})
	}
	p := h.processes[key]
	if p == nil {
		p = new(processOf)
		h.processes[key] = p
	}
	return p, nil
}

// startProcess starts a process, unless the helper is closed meanwhile.
func (h *Helper) startProcess(stores []*beneath.Dir) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), startTimeout, errSlowStart)
	defer cancel()
	go func() {
		select {
		case <-h.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	cmd, err := self(cmp.Or(h.role, "helper"))
	if err != nil {
		return nil, err
	}
	start := h.start
	if start == nil {
		start = startInNamespace
	}
	p, err := startProcess(ctx, start, cmd, stores)
	if h.open() != nil { // Close has not seen it, and whatever else is wrong comes of that
		if err == nil {
			_ = p.close()
		}
		return nil, errHelperClosed
	}
	return p, err
}

// startError says why a process could not be started. It matches what its cause does,
// but for [fs.ErrNotExist]: it is not the layer that is missing.
type startError struct{ err error }

func (e *startError) Error() string { return "start a helper process: " + e.err.Error() }
func (e *startError) Is(target error) bool {
	return target != fs.ErrNotExist && errors.Is(e.err, target)
}
func (e *startError) As(target any) bool { return errors.As(e.err, target) }

// owned reports whether a store is the calling user's, so that its files are to be read
// from inside his namespace: see [Needed].
func owned(store *beneath.Dir) bool {
	st, err := store.Lstat(".")
	return err == nil && int(st.Uid) == os.Geteuid() && os.Geteuid() != 0 && !entered.Load()
}

// identify tells lists of stores apart.
func identify(stores []*beneath.Dir) (string, error) {
	var key strings.Builder
	for _, s := range stores {
		st, err := s.Lstat(".")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&key, "%d:%d %q ", st.Dev, st.Ino, s.Path())
	}
	return key.String(), nil
}
