package relay

import (
	"errors"
	"io/fs"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/storetest"
)

// TestClose closes a layer while others read it: each call gives a result or
// fs.ErrClosed; and another layer of the same client goes on.
func TestClose(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n dir x\n file f \"content\"\n", storetest.Options{})
	c := connect(t, openDir(t, s.Root))
	spec := specOf(s.Layer("a"), storetest.Options{})
	other, err := c.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		tree, err := c.Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 20 {
					for what, ask := range asks {
						if err := ask(tree); err != nil && !errors.Is(err, fs.ErrClosed) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, driver.ErrNotRegular) {
							t.Errorf("%s: %v", what, err)
						}
					}
				}
			})
		}
		for range 2 {
			if err := tree.Close(); err != nil {
				t.Error(err)
			}
		}
		for what, ask := range asks {
			if err := ask(tree); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
		all.Wait()
	}
	if n, err := other.Lstat("f"); err != nil || n.Size != 7 {
		t.Errorf("the other one: %+v, %v", n, err)
	}
	_ = c.Close()
	for what, ask := range asks {
		if err := ask(other); !errors.Is(err, fs.ErrClosed) || errors.Is(err, ErrEnded) {
			t.Errorf("%s after the client's Close: %v", what, err)
		}
	}
}

// TestMemory: what the other side could make shorter is not shared.
func TestMemory(t *testing.T) {
	t.Parallel()
	fd, mem, err := newMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	again, err := openMemory(fd)
	if err != nil {
		t.Fatal(err)
	}
	copy(mem, "content")
	if string(again[:7]) != "content" {
		t.Errorf("%q", again[:7])
	}
	_ = unix.Munmap(mem)
	_ = unix.Munmap(again)
	if err := unix.Ftruncate(fd, 0); err == nil {
		t.Error("it can be made shorter")
	}
	for name, make := range map[string]struct {
		size  int64
		seals int
	}{
		"not sealed": {memorySize, 0}, "sealed against growing": {memorySize, unix.F_SEAL_GROW}, "short": {memorySize - 1, unix.F_SEAL_SHRINK},
	} {
		fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Ftruncate(fd, make.size); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, make.seals); err != nil {
			t.Fatal(err)
		}
		if _, err := openMemory(fd); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
