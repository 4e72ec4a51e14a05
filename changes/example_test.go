package changes_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/changes"
	"github.com/cstor-go/cstor/internal/storetest"
)

// What a container has written over its image.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	_, err = storetest.Build(dir, `
layer base
  dir  etc 0755
  file etc/motd 0644 "hello\n"
image localhost/sample layer=base
layer rw container parent=base
  dir  etc 0755
  whiteout etc/motd
  file etc/web.conf 0644 "port 80\n"
container web image=localhost/sample layer=rw
`, storetest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	s, err := cstor.Open(context.Background(), dir, cstor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	container, err := s.Container("web")
	if err != nil {
		log.Fatal(err)
	}
	layers, err := container.Layers() // base first, the container's own last
	if err != nil {
		log.Fatal(err)
	}
	for c, err := range changes.Of(context.Background(), layers, changes.Options{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c)
	}
	// Output:
	// C /etc
	// D /etc/motd
	// A /etc/web.conf
}
