// Command mergepeak merges the layers of an image, and prints as JSON what that took in
// memory: a Peak.
//
//	mergepeak ROOT IMAGE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/merge"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mergepeak ROOT IMAGE")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "mergepeak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, image string) error {
	s, err := cstor.Open(ctx, root, cstor.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	i, err := s.Image(image)
	if err != nil {
		return err
	}
	layers, err := i.Layers()
	if err != nil {
		return err
	}
	m := &meter{}
	before := m.inUse()
	tree, err := merge.Build(watched{ctx, m}, m.watch(ctx, layers), merge.Options{})
	if err != nil {
		return err
	}
	p := peak{Entries: m.entries, Names: m.names, Nodes: tree.Len(), Kept: m.inUse() - before, Most: m.most - before}
	runtime.KeepAlive(tree)
	return json.NewEncoder(os.Stdout).Encode(p)
}
