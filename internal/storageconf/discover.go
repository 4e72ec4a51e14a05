package storageconf

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
)

// discovery is the state of one evaluation by one set of rules.
type discovery struct {
	req     Request
	rules   Rules
	uid     int  // whose storage; see rootlessUID
	perUser bool // uid is not 0
	trace   []Step
	total   int                   // bytes of all files decoded
	files   map[string]readResult // each file is read once, so that both rules see the same
	origin  map[string]string     // dotted key → file that set it last
}

type readResult struct {
	data []byte
	err  error
}

var errNoFS = errors.New("storageconf: Request.FS is nil")

// Discover finds the storage that req describes, by the new rules and by the
// old ones. If they lead to different places, the answer is the one whose graph
// root holds a store, and of a rootless user's two the one that belongs to him;
// if that does not decide, the new one.
//
// A fault in the configuration is a [*SourceError]; Trace of the result then
// holds the steps up to it. What only the old rules refuse is not an error. A
// store that does not exist is not either.
func Discover(req Request) (Result, error) {
	if req.FS == nil {
		return Result{}, errNoFS
	}
	if req.Getenv == nil {
		req.Getenv = func(string) (string, bool) { return "", false }
	}
	files := make(map[string]readResult)
	byNew, trace, err := evaluate(req, RulesNew, files)
	if err != nil {
		return Result{Trace: trace}, err
	}
	byOld, oldTrace, err := evaluate(req, RulesOld, files)
	trace = append(trace, oldTrace...)
	if err != nil {
		trace = append(trace,
			Step{RulesOld, KindRule, "old rules", StateError, "they give no answer: " + err.Error()},
			Step{RulesNew, KindRule, "choice", StateUsed, "only the new rules give an answer"})
		return Result{Config: byNew, Trace: trace}, nil //nolint:nilerr // the trace says it
	}
	res := choose(req, byNew, byOld)
	res.Trace = append(trace, res.Trace...)
	return res, nil
}

// evaluate computes one answer. The trace is valid also with an error.
func evaluate(req Request, rules Rules, files map[string]readResult) (Config, []Step, error) {
	d := &discovery{req: req, rules: rules, files: files, origin: make(map[string]string)}
	d.rootlessUID()
	var cfg Config
	var err error
	if rules == RulesOld {
		cfg, err = d.oldConfig()
	} else {
		cfg, err = d.newConfig()
	}
	if err == nil {
		err = d.finish(&cfg)
	}
	return cfg, d.trace, err
}

// rootlessUID decides whose storage is meant. The value is taken as the library
// takes it, where a malformed one is 0 (container-libs
// storage/pkg/unshare/unshare_linux.go:GetRootlessUID). On Linux per-user rules
// apply exactly if it is not 0 (storage/types/options.go:usePerUserStorage).
func (d *discovery) rootlessUID() {
	const name = "_CONTAINERS_ROOTLESS_UID"
	d.uid = d.req.UID
	if v := d.env(name); v != "" {
		d.uid, _ = strconv.Atoi(v)
		d.note(KindVariable, name, StateUsed, "the storage is that of uid %d", d.uid)
	}
	d.perUser = d.uid != 0
	if d.perUser {
		d.note(KindRule, "user", StateUsed, "uid %d: rootless", d.uid)
	} else {
		d.note(KindRule, "user", StateUsed, "uid 0: rootful")
	}
}

// env returns a variable's value, "" if it is unset.
func (d *discovery) env(name string) string {
	v, _ := d.req.Getenv(name)
	return v
}

// home returns the home directory, "" if it is unknown.
func (d *discovery) home() string { return cmp.Or(d.env("HOME"), d.req.Home) }

// finish applies flags, checks paths and reads the driver options.
func (d *discovery) finish(cfg *Config) error {
	cfg.Rules, cfg.UID, cfg.Rootless = d.rules, d.uid, d.perUser
	if err := d.applyFlags(cfg); err != nil {
		return err
	}
	if cfg.ImageStore != "" && cfg.ImageStore == cfg.GraphRoot {
		// The library refuses this (storage/types/options.go:LoadStoreOptions); the
		// images are where they are without it.
		d.note(KindKey, "storage.imagestore", StateIgnored, "%s is the graph root itself; the library refuses that", quote(cfg.ImageStore))
		cfg.ImageStore = ""
	}
	return cfg.readDriverOptions(d.note)
}

func (d *discovery) applyFlags(cfg *Config) error {
	for _, flag := range []struct {
		name, value string
		to          *string
	}{
		{"--runroot", d.req.RunRoot, &cfg.RunRoot},
		{"--imagestore", d.req.ImageStore, &cfg.ImageStore},
	} {
		if flag.value == "" {
			continue
		}
		path, err := cleanPath(flag.name, "", flag.value)
		if err != nil {
			return err
		}
		*flag.to = path
		d.note(KindFlag, flag.name, StateUsed, "%s", quote(path))
	}
	if d.req.Driver != "" {
		cfg.Driver = d.req.Driver
		d.note(KindFlag, "--storage-driver", StateUsed, "driver = %s", quote(cfg.Driver))
	}
	cfg.Driver = driverName(cfg.Driver)
	return nil
}

// choose takes one of two answers.
func choose(req Request, byNew, byOld Config) Result {
	if samePlace(req.FS, byNew, byOld) {
		return Result{Config: byNew, Trace: []Step{{RulesNew, KindRule, "choice", StateUsed, "old and new rules agree"}}}
	}
	rankNew, rankOld := rank(req, byNew), rank(req, byOld)
	res := Result{Config: byNew, Other: &byOld}
	if rankOld > rankNew {
		res = Result{Config: byOld, Other: &byNew}
	}
	why := "graph root " + quote(res.GraphRoot) + ": " + max(rankNew, rankOld).String()
	if rankOld == rankNew {
		why += "; the same holds of the other, so the new rules count"
	}
	res.Trace = []Step{
		{res.Rules, KindRule, "choice", StateUsed, why},
		{res.Other.Rules, KindRule, "choice", StateIgnored, "graph root " + quote(res.Other.GraphRoot) + ": " + min(rankNew, rankOld).String()},
	}
	return res
}

// samePlace reports whether a and b lead a reader to the same content. Graph
// roots are compared without links: the old rules resolve a default one, the
// new ones do not.
func samePlace(fsys FS, a, b Config) bool {
	return resolved(fsys, a.GraphRoot) == resolved(fsys, b.GraphRoot) &&
		a.ImageStore == b.ImageStore && a.Driver == b.Driver && a.Transient == b.Transient &&
		(a.Driver != "" || slices.Equal(a.DriverPriority, b.DriverPriority)) &&
		(!a.Transient || resolved(fsys, a.RunRoot) == resolved(fsys, b.RunRoot)) &&
		slices.Equal(a.AdditionalImageStores, b.AdditionalImageStores) &&
		slices.Equal(a.AdditionalLayerStores, b.AdditionalLayerStores)
}

func resolved(fsys FS, path string) string {
	if p, err := fsys.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

// standing is how good a claim a graph root has to be the one in use.
type standing int

const (
	standNone    standing = iota // no store, or none that can be seen
	standForeign                 // a store that is not the rootless user's own
	standOwn                     // a store
)

func (s standing) String() string {
	return [...]string{"no store is seen there", "a store that belongs to another user", "a store is there"}[s]
}

// rank looks for <driver>-images or <driver>-layers. Ownership matters because
// files of old distributions set graphroot to the system's place, which the new
// rules give to every user; but no rootless tool could write there.
func rank(req Request, cfg Config) standing {
	if !slices.ContainsFunc(cfg.drivers(), func(driver string) bool {
		return isDir(req.FS, filepath.Join(cfg.GraphRoot, driver+"-images")) ||
			isDir(req.FS, filepath.Join(cfg.GraphRoot, driver+"-layers"))
	}) {
		return standNone
	}
	if cfg.Rootless {
		info, err := req.FS.Stat(cfg.GraphRoot)
		if err != nil {
			return standNone
		}
		if uid, known := ownerOf(info); known && uid != req.UID {
			return standForeign
		}
	}
	return standOwn
}

func isDir(fsys FS, path string) bool {
	info, err := fsys.Stat(path)
	return err == nil && info.IsDir()
}
