package relay

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// forms of stores, by the options that make them.
var forms = map[string]storetest.Options{
	"native":     {},
	"wh-files":   {Whiteouts: storetest.WhiteoutsFiles},
	"force-mask": {Whiteouts: storetest.WhiteoutsFiles, ForceMask: 0o755},
	"flat":       {Flat: true},
	"vfs":        {Driver: "vfs"},
}

// connect starts a server in this process, and a client of it.
func connect(tb testing.TB, stores ...*beneath.Dir) *Client {
	tb.Helper()
	return connectTo(tb, func(err error) {
		if err != nil {
			tb.Errorf("the server: %v", err)
		}
	}, stores...)
}

// connectTo is connect for who wants to know how the server ends.
func connectTo(tb testing.TB, end func(error), stores ...*beneath.Dir) *Client {
	tb.Helper()
	ours, theirs, err := newPair()
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- Serve(theirs)
		unix.Close(theirs)
	}()
	c, err := Start(ours, stores)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = c.Close()
		end(<-served)
	})
	return c
}

func openDir(tb testing.TB, path string) *beneath.Dir {
	tb.Helper()
	d, err := beneath.Open(path, beneath.NoLinks)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

// specOf says how a layer of a store is opened.
func specOf(info storetest.LayerInfo, opts storetest.Options, lowers ...storetest.LayerInfo) driver.Spec {
	spec := driver.Spec{Layer: driver.Place{ID: info.ID}, WhiteoutFiles: opts.Whiteouts == storetest.WhiteoutsFiles}
	_, err := os.Lstat(info.Dir + "/composefs-data")
	switch {
	case info.Link == "":
		spec.Form = driver.FormVFS
	case err == nil:
		spec.Form, spec.Tables = driver.FormFlat, []int{0}
	}
	for _, l := range lowers {
		spec.Lowers = append(spec.Lowers, driver.Place{ID: l.ID})
	}
	return spec
}

// both opens a layer here and through a server.
func both(tb testing.TB, root string, spec driver.Spec) (direct, helped driver.Tree) {
	tb.Helper()
	dir := openDir(tb, root)
	direct, err := driver.Open([]*beneath.Dir{dir}, spec)
	if err != nil {
		tb.Fatal(err)
	}
	helped, err = connect(tb, dir).Open(spec)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = direct.Close()
		_ = helped.Close()
	})
	return direct, helped
}
