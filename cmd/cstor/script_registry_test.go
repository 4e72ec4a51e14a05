package main

import (
	"encoding/pem"
	"flag"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cstor-go/cstor/internal/registrytest"
)

// registriesKey is where a session keeps its registries, by name.
type registriesKey struct{}

func registriesOf(ts *testscript.TestScript) map[string]*registrytest.Registry {
	return ts.Value(registriesKey{}).(map[string]*registrytest.Registry)
}

func cmdRegistry(ts *testscript.TestScript, neg bool, args []string) {
	var opts registrytest.Options
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	flags.BoolVar(&opts.TLS, "tls", false, "")
	flags.BoolVar(&opts.Bearer, "bearer", false, "")
	creds := flags.String("creds", "", "")
	ts.Check(flags.Parse(args))
	if neg || flags.NArg() != 1 {
		ts.Fatalf("usage: registry [flags] NAME")
	}
	opts.User, opts.Password, _ = strings.Cut(*creds, ":")
	r := registrytest.New(opts)
	ts.Defer(r.Close)
	name := flags.Arg(0)
	registriesOf(ts)[name] = r
	ts.Setenv(name, r.Host)
	if opts.TLS {
		block := &pem.Block{Type: "CERTIFICATE", Bytes: r.Server.Certificate().Raw}
		ts.Check(os.WriteFile(ts.MkAbs(name+".crt"), pem.EncodeToMemory(block), 0o600))
	}
}

func cmdRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: requests NAME COUNT PREFIX")
	}
	r := registriesOf(ts)[args[0]]
	if r == nil {
		ts.Fatalf("no registry %s", args[0])
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := r.Count(args[2]); got != want {
		ts.Fatalf("%d requests begin with %q, want %d:\n%s", got, args[2], want, strings.Join(r.Log(), "\n"))
	}
}
