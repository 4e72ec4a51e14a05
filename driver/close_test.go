package driver_test

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestClose closes a layer while others read it: each call gives a result or
// fs.ErrClosed, and what was opened stays valid.
func TestClose(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t, "layer a\n dir d\n file d/f \"content\"\n symlink l d\n", shape.opts)
			for range 20 {
				l := open(t, s.Layer("a"), driver.OverlayOptions{})
				kept, err := l.OpenFile("d/f")
				if err != nil {
					t.Fatal(err)
				}
				closed := make(chan struct{})
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						for n := 0; n < 10; {
							select {
							case <-closed:
								n++
							default:
							}
							if err := callAll(l); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				close(closed)
				wg.Wait()
				for name, call := range calls(l) {
					if err := call(); !errors.Is(err, fs.ErrClosed) {
						t.Errorf("%s after Close: %v", name, err)
					}
				}
				buf := make([]byte, 7)
				if n, err := kept.ReadAt(buf, 0); string(buf[:n]) != "content" {
					t.Errorf("a file opened before: %q, %v", buf[:n], err)
				}
				_ = kept.Close()
			}
		})
	}
}

func calls(l layer) map[string]func() error {
	return map[string]func() error{
		"OpenFile": func() error {
			got, err := readFile(l, "l/f")
			if err == nil && got != "content" {
				return fmt.Errorf("content %q", got)
			}
			return err
		},
		"Lstat": func() error {
			n, err := l.Lstat("l")
			if err == nil && n.Link != "d" {
				return fmt.Errorf("node %+v", n)
			}
			return err
		},
		"ReadDir": func() error {
			list, err := l.ReadDir("d")
			if err == nil && len(list) != 1 {
				return fmt.Errorf("list %v", list)
			}
			return err
		},
	}
}

func callAll(l layer) error {
	for name, call := range calls(l) {
		if err := call(); err != nil && !errors.Is(err, fs.ErrClosed) {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
