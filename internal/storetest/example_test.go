package storetest_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cstor-go/cstor/internal/storetest"
)

func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := storetest.Build(filepath.Join(dir, "store"), `
layer base
  dir  etc 0755
  file etc/hostname 0644 "box\n"
image localhost/box:1 layer=base
`, storetest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Remove()
	fmt.Println(s.Layer("base").DiffID)
	fmt.Println(s.Image("localhost/box:1").ID)
	// Output:
	// sha256:d7a9c79ece92be5b2b01e9a03b405721940b73473cebd5c28e61eac7ba5964f2
	// 0c91a5b1e6d74b42115910fdb4e20550f4c0f99ceec5611f88d93cc6fc6ee8c3
}
