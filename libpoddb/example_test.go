package libpoddb_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/internal/storetest/poddb"
	"github.com/cstor-go/cstor/libpoddb"
)

// exampleStore is a store with a database for the example; yours is found by
// cstor.Discover.
func exampleStore() (root string, remove func()) {
	dir, err := os.MkdirTemp("", "libpoddb-example-")
	if err != nil {
		log.Fatal(err)
	}
	store, err := storetest.Build(filepath.Join(dir, "storage"), "layer base\n  file a 0644 \"a\"\nimage localhost/web:1 layer=base\n"+
		"container web image=localhost/web:1\ncontainer job image=localhost/web:1\ncontainer by-buildah image=localhost/web:1\n", storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = poddb.Write(filepath.Join(store.Root, "db.sql"), poddb.DB{Containers: []poddb.Row{
		{
			ID: store.Container("web").ID, Name: "web", State: []byte(`{"state":3,"pid":4711}`),
			Config: []byte(`{"newPortMappings":[{"container_port":80,"host_port":8080,"protocol":"tcp"}]}`),
		},
		{ID: store.Container("job").ID, Name: "job", State: []byte(`{"state":6,"exited":true,"exitCode":3}`)},
	}})
	if err != nil {
		log.Fatal(err)
	}
	return store.Root, func() { _ = os.RemoveAll(dir) }
}

// List the containers of a store, with the state that podman has noted for those that it
// manages.
func Example() {
	root, remove := exampleStore()
	defer remove()

	s, err := cstor.Open(context.Background(), root, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	databases, err := libpoddb.Read(context.Background(), s, libpoddb.Options{})
	if err != nil {
		log.Print(err) // the lists of the store say the rest
	}
	known := map[string]*libpoddb.Container{}
	for _, db := range databases {
		for _, c := range db.Containers() {
			known[c.ID] = c
		}
	}
	for c, err := range s.Containers() {
		if err != nil {
			log.Fatal(err)
		}
		switch k := known[c.ID()]; {
		case k == nil:
			fmt.Println(c.Names()[0], "is not podman's")
		case k.State == libpoddb.Exited:
			fmt.Println(k.Name, k.State, k.ExitCode)
		default:
			fmt.Println(k.Name, k.State, k.Ports)
		}
	}
	// Output:
	// web running [0.0.0.0:8080->80/tcp]
	// job exited 3
	// by-buildah is not podman's
}
