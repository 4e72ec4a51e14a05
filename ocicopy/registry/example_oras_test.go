package registry_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/registrytest"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/ocisource"
)

// A stored image is a target of oras-go, which then does the copying.
func Example_oras() {
	root, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	if _, err := storetest.Build(root+"/store", storetest.Sample, storetest.Options{}); err != nil {
		log.Fatal(err)
	}
	server := registrytest.New(registrytest.Options{})
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

	source, err := ocisource.Open(ctx, image, ocisource.Options{Compression: ocisource.Gzip})
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close()
	repo, err := remote.NewRepository(server.Host + "/team/sample")
	if err != nil {
		log.Fatal(err)
	}
	repo.PlainHTTP = true
	manifest, err := oras.Copy(ctx, source, "", repo, "1", oras.DefaultCopyOptions)
	if err != nil {
		log.Fatal(err)
	}
	there, err := repo.Resolve(ctx, "1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(there.Digest == manifest.Digest, there.MediaType)
	// Output:
	// true application/vnd.oci.image.manifest.v1+json
}
