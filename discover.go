package cstor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storageconf"
)

// DiscoverOptions of [Discover]. The zero value finds the calling user's store as
// podman would.
type DiscoverOptions struct {
	// ConfigFile is a storage.conf to be used in place of all others, as
	// $CONTAINERS_STORAGE_CONF would be.
	ConfigFile string
	// Driver, RunRoot and ImageStore replace what was configured. The latter two must be
	// absolute.
	Driver, RunRoot, ImageStore string
	// Sysroot is the root of another system, such as a mounted disk or a
	// container's root file system, inside which to look: its storage.conf, its
	// users. Nothing outside is opened, whatever its links say, and the
	// environment does not count. The paths above are then paths inside, and they and
	// Driver count for every user.
	Sysroot string
	// Getenv looks up environment variables; nil means those of the process.
	Getenv func(name string) (value string, ok bool)
	// Lock keeps writers out while a layer's tar is read, from [Layer.Tar] or
	// [Layer.TarAt] to Close, or in [Layer.WriteTar], by a shared lock on the
	// layers.lock of the layer's store. Without it a layer that is removed meanwhile
	// is an error; with it every pull and removal waits for us. The lock file is
	// never created, and where there is none that is an error; a writer that does
	// not let go within a second is one that matches [ErrLocked].
	Lock bool
	// Helper opens the layers' files where more may be read than in this process. In
	// the store of an ordinary user, files of images belong to subordinate ids, and some
	// only those may read: a *userns.Helper reads them from inside the user's namespace,
	// where they have the owners that the images give them. Nil means that this process
	// does what it may. Layers in additional layer stores are opened without it.
	// [Storage.Close] does not close it.
	Helper driver.Helper
}

// Finding is one thing that was considered on the way to a store.
type Finding struct {
	Kind  string `json:"kind"`            // "file", "directory", "variable", "flag", "key", "default", "rule"
	Name  string `json:"name"`            // path of the file, name of the variable, …
	State string `json:"state"`           // "used", "missing", "ignored", "error"
	Why   string `json:"why,omitempty"`   // what it decided, or why it did not
	Rules string `json:"rules,omitempty"` // which generation of the storage library: "new" (from 1.63), "old"
	User  string `json:"user,omitempty"`  // whose store was looked for, in a mounted system
}

// DiscoverError is what [Discover] returns when it finds no store: why, and what it
// has considered.
type DiscoverError struct {
	Considered []Finding
	Err        error
}

func (e *DiscoverError) Error() string { return e.Err.Error() }

func (e *DiscoverError) Unwrap() error { return e.Err }

// Discover finds and opens the store of the calling user, from storage.conf and its
// drop-ins, environment variables and defaults, as the storage library would. Where
// the library's generations disagree, the answer is the one whose store exists.
// [Storage.Info] tells what was considered. The caller closes the result.
//
// With Sysroot it opens the stores of all users of that system that have one,
// root's first: each is then a store with additional stores of its own. A user whose
// configuration or store cannot be read is left out, and [Storage.Warnings] says so,
// unless nobody remains.
//
// An error is a [*DiscoverError] and matches [ErrNotStore] if there is no store.
func Discover(ctx context.Context, opts DiscoverOptions) (*Storage, error) {
	s := &Storage{lock: opts.Lock, helper: opts.Helper}
	var err error
	if opts.Sysroot != "" {
		err = s.discoverMounted(ctx, opts)
	} else {
		err = s.discoverHost(opts)
	}
	found := s.found
	if s, err = s.start(ctx, err); err != nil {
		return nil, &DiscoverError{Considered: found, Err: err}
	}
	return s, nil
}

func (s *Storage) discoverHost(opts DiscoverOptions) error {
	if opts.Getenv == nil {
		opts.Getenv = os.LookupEnv
	}
	req := opts.request(host)
	req.UID = os.Getuid()
	if home, _ := opts.Getenv("HOME"); home == "" {
		req.Home = homeOf(req.UID)
	}
	return s.discover(host, req, "")
}

// homeOf looks a home directory up without os/user, which brings cgo along where
// there is a C compiler.
func homeOf(uid int) string {
	user, _, _ := storageconf.UserByID(host, uid) // no list, no home
	return user.Home
}

// discover opens the store that req leads to; in a mounted system, the stores that
// either generation's rules lead to, since nobody knows which tools were used there.
func (s *Storage) discover(from system, req storageconf.Request, owner string) error {
	result, err := storageconf.Discover(req)
	for _, step := range result.Trace {
		rules, _ := step.Rules.MarshalText()
		s.note(Finding{
			Kind: string(step.Kind), Name: step.Name, State: string(step.State), Why: step.Why, Rules: string(rules), User: owner,
		})
	}
	if err != nil {
		return fmt.Errorf("storage configuration: %w", err)
	}
	err = s.addConfig(from, owner, result.Config)
	if result.Other == nil {
		return err
	}
	if owner != "" {
		switch other := s.addConfig(from, owner, *result.Other); {
		case noStore(err):
			err = other
		case !noStore(other):
			err = errors.Join(err, other)
		}
	} else if noStore(err) {
		err = fmt.Errorf("%w (and, by the rules of %v, none at %s)", err, result.Other.Rules, result.Other.GraphRoot)
	}
	return err
}

func (s *Storage) addConfig(from system, owner string, cfg storageconf.Config) error {
	if cfg.Driver == "" {
		driver, err := pickDriver(from, cfg)
		if err != nil {
			return err
		}
		// Options of drivers other than overlay count only now.
		if cfg, err = cfg.WithDriver(driver); err != nil {
			return err
		}
	}
	return s.add(from, owner, cfg)
}

// maxFound is how many bytes of findings are kept. What a user of a mounted system has
// written may make them long.
const maxFound = 16 << 20

// note keeps a finding as long as there is room.
func (s *Storage) note(f Finding) {
	before := s.foundLen
	s.foundLen += int(unsafe.Sizeof(f)) + len(f.Name) + len(f.Why)
	switch {
	case s.foundLen <= maxFound:
		s.found = append(s.found, f)
	case before <= maxFound:
		s.warnings = append(s.warnings, errors.New("too much was considered on the way to the stores: the rest is not told"))
	}
}

func (s *Storage) discoverMounted(ctx context.Context, opts DiscoverOptions) error {
	root, err := beneath.Open(opts.Sysroot, beneath.InRoot)
	if err != nil {
		return err
	}
	defer root.Close()
	from := mounted(root)
	users, err := storageconf.Users(from)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, storageconf.ErrTooLarge), errors.Is(err, beneath.ErrTooLarge):
		s.warnings = append(s.warnings, fmt.Errorf("users of %s, of whom some are left out: %w", opts.Sysroot, err))
	default:
		return fmt.Errorf("users of %s: %w", opts.Sysroot, err)
	}
	if len(users) == 0 || users[0].UID != 0 {
		users = append([]storageconf.User{{Name: "root", Home: "/root"}}, users...)
	}
	var first error
	for _, u := range users {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		req := opts.request(from)
		req.UID, req.Home, req.Getenv = u.UID, u.Home, u.Getenv
		err := s.discover(from, req, u.Name)
		switch {
		case err == nil:
		case noStore(err): // most users have none
			if first == nil {
				first = err
			}
		default:
			s.warnings = append(s.warnings, fmt.Errorf("user %s of %s: %w", u.Name, opts.Sysroot, err))
			if first == nil || noStore(first) {
				first = err
			}
		}
	}
	if len(s.configs) == 0 {
		return fmt.Errorf("no user of %s has a store: %w", opts.Sysroot, first)
	}
	return nil
}

func (o DiscoverOptions) request(from system) storageconf.Request {
	return storageconf.Request{
		FS: from, Getenv: o.Getenv, ConfigFile: o.ConfigFile, Driver: o.Driver, RunRoot: o.RunRoot, ImageStore: o.ImageStore,
	}
}
