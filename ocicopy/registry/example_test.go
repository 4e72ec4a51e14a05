package registry_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/registrytest"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocicopy/registry"
	"github.com/cstor-go/cstor/ocisource"
)

// An image of the store, sent to a registry; here to one in this process.
func Example() {
	root, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	if _, err := storetest.Build(root+"/store", storetest.Sample, storetest.Options{}); err != nil {
		log.Fatal(err)
	}
	server := registrytest.New(registrytest.Options{User: "me", Password: "secret"})
	defer server.Close()

	ctx := context.Background()
	store, err := cstor.Open(ctx, root+"/store", cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	image, err := store.Image("sample")
	if err != nil {
		log.Fatal(err)
	}

	to, err := registry.Open(ctx, server.Host+"/team/sample:1", registry.Options{
		Insecure: true, // it has no TLS
		Username: "me", Password: "secret",
	})
	if err != nil {
		log.Fatal(err)
	}
	opts := ocicopy.Options{Source: ocisource.Options{Compression: ocisource.Gzip}}
	for range 2 { // the second time everything is there
		report, err := ocicopy.Copy(ctx, []ocicopy.Image{{Image: image}}, to, opts)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d layers, %d of which were there\n", report.Layers, report.Reused)
	}
	// Output:
	// 3 layers, 0 of which were there
	// 3 layers, 3 of which were there
}
