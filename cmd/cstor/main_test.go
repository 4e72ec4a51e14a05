package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/registrytest"
	"github.com/cstor-go/cstor/internal/storetest"
)

// update rewrites the files in testdata/golden.
var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain lets scripts execute this test binary under the name of the program, so
// that exit statuses, signals and descriptors are those of a real process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cstor": main, "writes": writes})
}

// writes is a program that begins to write a file, shows a quarter of it done, prints
// its present name, and is then blocked for ever: "writes STORE FILE".
func writes() {
	a := &app{stdout: os.Stdout, stderr: os.Stderr}
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	s, err := cstor.Open(ctx, os.Args[1], cstor.Options{})
	if err != nil {
		panic(err)
	}
	out, err := a.create(ctx, s, os.Args[2])
	if err != nil {
		panic(err)
	}
	a.progress.start(a.stderr)
	a.progress.begin(&task{name: filepath.Base(os.Args[2]), total: 1 << 20}).add(1 << 18)
	fmt.Println(out.file.Name())
	select {}
}

// TestScripts runs testdata/script: each file is what one user does in a session,
// and the first word of its name says with what.
//
// A session has its own HOME and sees none of the machine's configuration unless it
// looks there itself; cstor does not start anew in a user namespace. The commands
// beyond testscript's own are in scriptCommands.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands,
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "userns":
				return exec.Command("unshare", "--user", "--map-root-user", "true").Run() == nil, nil //nolint:noctx // a moment
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv("CONTAINERS_STORAGE_CONF", env.WorkDir+"/home/storage.conf")
			env.Setenv("_CSTOR_USERNS", "entered") // what userns sets: podman of this machine stays out
			env.Values[storesKey{}] = map[string]*storetest.Store{}
			env.Values[registriesKey{}] = map[string]*registrytest.Registry{}
			return os.MkdirAll(env.WorkDir+"/home", 0o755)
		},
	})
}

// TestUpdateIsOff: golden files that are rewritten by every run test nothing.
func TestUpdateIsOff(t *testing.T) {
	t.Parallel()
	if *update && strings.EqualFold(os.Getenv("CI"), "true") {
		t.Fatal("-update is on although CI=true: golden files are rewritten by people, who look at them")
	}
}
