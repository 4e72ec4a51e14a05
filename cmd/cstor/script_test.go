package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

// scriptCommands are what sessions can do besides testscript's own commands.
//
//	mkstore [flags] DIR [SPECFILE]
//	    build a store; without SPECFILE storetest.Sample. Then ${layer:NAME},
//	    ${diffid:NAME}, ${link:NAME}, ${image:NAME}, ${digest:NAME} and
//	    ${container:NAME} are what it has, ${ID:NAME} is the beginning of a container's id
//	    as tables show it, and ${tar:NAME} the digest of a layer's tar.
//	break DIR FAULT ARG...
//	    damage a store that mkstore built: see storetest.ParseFault.
//	mkdb DIR FILE
//	    make podman's database in DIR, the root of a store, of what FILE says: a poddb.DB
//	    as JSON, in which ${NAME} are variables.
//	exits STATUS COMMAND ARG...
//	    run, and demand an exact exit status. If it is not 0, standard error is
//	    exactly one line, behind warnings if there are any, and begins with "cstor: ".
//	sha256 FILE DIGEST
//	    FILE may be stdout. DIGEST may do without "sha256:".
//	entries DIR [NAME...]
//	    DIR has exactly these entries, in order.
//	mode FILE OCTAL
//	mkfifo FILE
//	truncate FILE SIZE
//	    make FILE of SIZE bytes without content: K, M, G are units.
//	lock DIR
//	    hold the lock of the layers' list of the store DIR, as a writer does, until the
//	    session ends.
//	survey DIR FILE
//	    write down all there is to know of the tree at DIR.
//	registry [-tls] [-bearer] [-creds USER:PASSWORD] NAME
//	    start a registry, whose HOST:PORT is then $NAME, until the session ends. With -tls
//	    its certificate is written to NAME.crt.
//	requests NAME COUNT PREFIX
//	    the registry had so many requests that begin so: "METHOD PATH STATUS".
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"mkstore":  cmdMkstore,
	"break":    cmdBreak,
	"mkdb":     cmdMkdb,
	"exits":    cmdExits,
	"sha256":   cmdSHA256,
	"entries":  cmdEntries,
	"mode":     cmdMode,
	"mkfifo":   cmdMkfifo,
	"truncate": cmdTruncate,
	"lock":     cmdLock,
	"survey":   cmdSurvey,
	"registry": cmdRegistry,
	"requests": cmdRequests,
}

// storesKey is where a session keeps its stores, by absolute root.
type storesKey struct{}

func storesOf(ts *testscript.TestScript) map[string]*storetest.Store {
	return ts.Value(storesKey{}).(map[string]*storetest.Store)
}

func cmdMkstore(ts *testscript.TestScript, neg bool, args []string) {
	var opts storetest.Options
	flags := flag.NewFlagSet("mkstore", flag.ContinueOnError)
	flags.StringVar(&opts.Driver, "driver", "", "overlay or vfs")
	flags.StringVar(&opts.RunRoot, "runroot", "", "make a run root here")
	flags.StringVar(&opts.ImageStore, "imagestore", "", "split the store: images go here")
	flags.BoolVar(&opts.Transient, "transient", false, "put containers into the run root")
	flags.BoolVar(&opts.Flat, "flat", false, "make flat (composefs) layers")
	flags.BoolVar(&opts.NoLocks, "no-locks", false, "make no lock files")
	flags.BoolVar(&opts.Old, "old", false, "write as storage 1.62 and older")
	flags.StringVar((*string)(&opts.Whiteouts), "whiteouts", "", "trusted, user or files")
	flags.Func("force-mask", "octal mode of every file", func(text string) error {
		n, err := strconv.ParseUint(text, 8, 32)
		opts.ForceMask = fs.FileMode(n)
		return err
	})
	flags.Func("parent", "a store that is an additional store of this one", func(dir string) error {
		s := storesOf(ts)[ts.MkAbs(dir)]
		if s == nil {
			return fmt.Errorf("%s was not made by mkstore", dir)
		}
		opts.Parents = append(opts.Parents, s)
		return nil
	})
	ts.Check(flags.Parse(args))
	if neg || flags.NArg() < 1 || flags.NArg() > 2 {
		ts.Fatalf("usage: mkstore [flags] DIR [SPECFILE]")
	}
	spec := storetest.Sample
	if flags.NArg() == 2 {
		spec = ts.ReadFile(flags.Arg(1))
	}
	for _, path := range []*string{&opts.RunRoot, &opts.ImageStore} {
		if *path != "" {
			*path = ts.MkAbs(*path)
		}
	}
	root := ts.MkAbs(flags.Arg(0))
	s, err := storetest.Build(root, spec, opts)
	ts.Check(err)
	storesOf(ts)[root] = s
	for _, l := range s.Layers() {
		ts.Setenv("layer:"+l.Name, l.ID)
		ts.Setenv("diffid:"+l.Name, l.DiffID)
		ts.Setenv("link:"+l.Name, l.Link)
		ts.Setenv("tar:"+l.Name, storetest.Digest(l.Tar))
	}
	for _, i := range s.Images() {
		ts.Setenv("image:"+i.Name, i.ID)
		ts.Setenv("digest:"+i.Name, i.Digest)
	}
	for _, c := range s.Containers() {
		ts.Setenv("container:"+c.Name, c.ID)
		ts.Setenv("ID:"+c.Name, c.ID[:12])
		ts.Setenv("layer:"+c.Name, c.Layer.ID)
	}
}

func cmdBreak(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: break DIR FAULT ARG...")
	}
	s := storesOf(ts)[ts.MkAbs(args[0])]
	if s == nil {
		ts.Fatalf("%s was not made by mkstore", args[0])
	}
	fault, err := storetest.ParseFault(args[1], args[2:]...)
	ts.Check(err)
	ts.Check(fault(s))
}

func cmdMkdb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mkdb DIR FILE")
	}
	var db poddb.DB
	d := json.NewDecoder(strings.NewReader(os.Expand(ts.ReadFile(args[1]), ts.Getenv)))
	d.DisallowUnknownFields()
	ts.Check(d.Decode(&db))
	ts.Check(poddb.Write(filepath.Join(ts.MkAbs(args[0]), "db.sql"), db))
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d (%v)", got, want, err)
	}
	if got == 0 {
		return
	}
	messages := 0
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if !strings.HasPrefix(line, "cstor: ") || !strings.HasSuffix(line, "\n") {
			ts.Fatalf("not a line of cstor's: %q", line)
		}
		if !strings.HasPrefix(line, "cstor: warning: ") {
			messages++
		}
	}
	if messages != 1 {
		ts.Fatalf("%d error messages, want one line", messages)
	}
}

func cmdSHA256(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] sha256 FILE DIGEST")
	}
	want := strings.TrimPrefix(args[1], "sha256:")
	if len(want) != 2*sha256.Size {
		ts.Fatalf("%q is not a SHA-256", args[1])
	}
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(ts.ReadFile(args[0])))); (got == want) == neg {
		ts.Fatalf("%s has SHA-256 %s", args[0], got)
	}
}

func cmdEntries(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: entries DIR [NAME...]")
	}
	all, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var got []string
	for _, e := range all {
		got = append(got, e.Name())
	}
	if want := args[1:]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		ts.Fatalf("%s has %q, want %q", args[0], got, want)
	}
}

func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE OCTAL")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func cmdMkfifo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mkfifo FILE")
	}
	ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o600))
}

func cmdTruncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE SIZE")
	}
	digits, unit := strings.TrimRight(args[1], "KMG"), int64(1)
	switch strings.TrimPrefix(args[1], digits) {
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(errors.Join(f.Truncate(n*unit), f.Close()))
}

func cmdLock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock DIR")
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]+"/overlay-layers/layers.lock"), os.O_RDWR, 0)
	ts.Check(err)
	ts.Defer(func() { _ = f.Close() })
	ts.Check(unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}))
}

// cmdSurvey leaves out access times: the kernel keeps them, for ls as well.
func cmdSurvey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: survey DIR FILE")
	}
	var b strings.Builder
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		_, err = fmt.Fprintf(&b, "%q %o %d %d %d %d %v %v\n", path, st.Mode, st.Ino, st.Uid, st.Gid, st.Size, st.Mtim, st.Ctim)
		return err
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
}
