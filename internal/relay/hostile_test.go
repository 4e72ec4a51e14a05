package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/tarsplit"
)

// falseServer answers every question but the first, which opens a layer, by reply.
func falseServer(t *testing.T, reply func(socket int, mem []byte)) (*Client, driver.Tree) {
	t.Helper()
	ours, control, err := newPair()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		defer unix.Close(control)
		b := make([]byte, 5000)
		for {
			n, fds, err := receiveHanded(control, b)
			if err != nil {
				return
			}
			m, _ := parseMessage(b[:n])
			switch m.kind {
			case tellStart:
				_ = send(control, message{kind: answerDone}.bytes())
			case tellLane:
				mem, err := openMemory(fds[1])
				if err != nil {
					t.Error(err)
				}
				socket := fds[0]
				fds = fds[1:]
				all.Go(func() { falseLane(socket, mem, reply) })
			}
			closeAll(fds)
		}
	})
	c, err := Start(ours, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		all.Wait()
	})
	tree, err := c.Open(driver.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	return c, tree
}

func falseLane(socket int, mem []byte, reply func(socket int, mem []byte)) {
	var b [messageSize]byte
	for {
		n, err := receive(socket, b[:])
		if err != nil {
			break
		}
		if m, _ := parseMessage(b[:n]); m.kind == askOpen {
			var e encoder
			e.uint(7)
			e.bool(true)
			copy(mem, e)
			_ = send(socket, message{kind: answerDone, size: uint32(len(e))}.bytes())
			continue
		}
		reply(socket, mem)
	}
	unix.Close(socket)
	_ = unix.Munmap(mem)
}

// TestFalseAnswers: what is no answer ends the client, and leaves nothing open.
func TestFalseAnswers(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(folder, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	body := func(f func(e *encoder)) func(socket int, mem []byte) {
		return func(socket int, mem []byte) {
			var e encoder
			f(&e)
			copy(mem, e)
			_ = send(socket, message{kind: answerDone, size: uint32(len(e))}.bytes())
		}
	}
	handing := func(flags int, paths ...string) func(socket int, mem []byte) {
		return func(socket int, mem []byte) {
			var fds []int
			for _, path := range paths {
				fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
				if err != nil {
					t.Error(err)
				}
				fds = append(fds, fd)
			}
			var e encoder
			e.str("its name")
			_ = send(socket, message{kind: answerDone, size: uint32(copy(mem, e))}.bytes(), fds...)
			closeAll(fds)
		}
	}
	for name, reply := range map[string]func(socket int, mem []byte){
		"gone":                func(socket int, _ []byte) { _ = unix.Shutdown(socket, unix.SHUT_RDWR) },
		"short":               func(socket int, _ []byte) { _ = send(socket, []byte("hello")) },
		"no answer":           func(socket int, _ []byte) { _ = send(socket, message{kind: askOpen}.bytes()) },
		"a kind that is none": func(socket int, _ []byte) { _ = send(socket, message{kind: 9999}.bytes()) },
		"behind the memory": func(socket int, _ []byte) {
			_ = send(socket, message{kind: answerDone, from: memorySize - 1, size: 2}.bytes())
		},
		"far behind": func(socket int, _ []byte) {
			_ = send(socket, message{kind: answerDone, from: 1<<32 - 1, size: 1<<32 - 1}.bytes())
		},
		"an error that is none":   func(socket int, _ []byte) { _ = send(socket, message{kind: answerFail}.bytes()) },
		"too much":                body(func(e *encoder) { e.str(strings.Repeat("x", 1000)); e.str("more") }),
		"numbers":                 body(func(e *encoder) { *e = append(*e, strings.Repeat("\xff", 1000)...) }),
		"a long string":           body(func(e *encoder) { e.uint(1 << 62) }),
		"two files":               handing(unix.O_RDONLY, file, file),
		"many files":              handing(unix.O_RDONLY, file, file, file, file, file, file, file, file),
		"a file to write":         handing(unix.O_RDWR, file),
		"a file to write only":    handing(unix.O_WRONLY, file),
		"a path":                  handing(unix.O_PATH, file),
		"a directory":             handing(unix.O_RDONLY, folder),
		"a FIFO":                  handing(unix.O_RDONLY, filepath.Join(folder, "fifo")),
		"a device":                handing(unix.O_RDONLY, "/dev/null"),
		"a file without its name": func(socket int, _ []byte) { handing(unix.O_RDONLY, file)(socket, nil) },
		"more of a list, for ever": func(socket int, mem []byte) {
			mem[0] = 0
			_ = send(socket, message{kind: answerMore, size: 1}.bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors(t)
			t.Run("", func(t *testing.T) {
				for what, ask := range asks {
					c, tree := falseServer(t, reply)
					if err := ask(tree); !errors.Is(err, ErrEnded) {
						t.Errorf("%s: %v", what, err)
					}
					if !c.Ended() || !driver.Ended(tree) {
						t.Errorf("%s: it goes on", what)
					}
					if _, err := tree.Lstat("again"); !errors.Is(err, ErrEnded) {
						t.Errorf("again: %v", err)
					}
				}
			})
			if now := descriptors(t); now != before {
				t.Errorf("%d descriptors, were %d", now, before)
			}
		})
	}
}

// asks are all questions, of which only the error counts.
var asks = map[string]func(tree driver.Tree) error{
	"Lstat":   func(tree driver.Tree) error { _, err := tree.Lstat("x"); return err },
	"ReadDir": func(tree driver.Tree) error { _, err := tree.ReadDir("x"); return err },
	"OpenFile": func(tree driver.Tree) error {
		f, err := tree.OpenFile("x")
		if f != nil {
			return fmt.Errorf("a file is there, and %w", err)
		}
		return err
	},
	"ReadFile": func(tree driver.Tree) error { _, err := tree.ReadFile("x", make([]byte, 10)); return err },
	"LstatAll": func(tree driver.Tree) error {
		_, err := tree.(driver.NodesReader).LstatAll("x", []string{"a", "b"})
		return err
	},
	"ReadFiles": func(tree driver.Tree) error {
		_, _, err := tree.(tarsplit.BatchReader).ReadFiles([]tarsplit.FileInto{{Name: "a", P: make([]byte, 10)}, {Name: "b", P: make([]byte, 10)}})
		return err
	},
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

// TestFalseQuestions: a client that does not keep to the rules is not answered.
func TestFalseQuestions(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, "layer a\n file f \"content\"\n", storetest.Options{})
	spec := specOf(s.Layer("a"), storetest.Options{})
	open := func(t *testing.T) (*Client, *tree, *lane) {
		t.Helper()
		c := connectTo(t, func(error) {}, openDir(t, s.Root))
		opened, err := c.Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		l, err := c.take()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.give(l) })
		return c, opened.(*tree), l
	}
	for name, m := range map[string]message{
		"no kind":           {},
		"an answer":         {kind: answerDone},
		"of the control":    {kind: tellLane},
		"next of nothing":   {kind: askNext},
		"behind the memory": {kind: askLstat, from: memorySize, size: 1},
		"an empty body":     {kind: askFile},
		"half a spec":       {kind: askOpen, size: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, tree, l := open(t)
			m.handle = tree.handle
			if a, err := l.ask(m); err == nil {
				t.Errorf("answered: %+v", a)
			}
		})
	}
	t.Run("another tree", func(t *testing.T) {
		t.Parallel()
		_, tree, l := open(t)
		m, _ := l.put(question{askLstat, tree.handle + 1, func(e *encoder) { e.str("f") }})
		a, err := l.ask(m)
		if err != nil || a.kind != answerFail || !errors.Is(a.fault(), fs.ErrClosed) {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("more than fits", func(t *testing.T) {
		t.Parallel()
		_, tree, l := open(t)
		m, _ := l.put(question{askReadFiles, tree.handle, func(e *encoder) { e.uint(1); e.str("f"); e.uint(maxData + 1) }})
		if a, err := l.ask(m); err == nil {
			t.Errorf("answered: %+v", a)
		}
	})
	t.Run("a layer elsewhere", func(t *testing.T) {
		t.Parallel()
		c, _, _ := open(t)
		for _, at := range []driver.Place{{ID: ".."}, {ID: "../.."}, {Store: 1, ID: spec.Layer.ID}, {ID: "l"}, {ID: ""}} {
			if tree, err := c.Open(driver.Spec{Layer: at}); err == nil {
				t.Errorf("%+v is open: %v", at, tree)
			}
			if item, err := c.ReadItem(at, "link"); err == nil {
				t.Errorf("%+v is read: %v", at, item)
			}
		}
	})
	t.Run("a lane too many", func(t *testing.T) {
		t.Parallel()
		c, _, _ := open(t)
		for range maxLanes {
			if _, err := c.newLane(); err != nil {
				break
			}
		}
		for range 1000 {
			if _, err := c.Open(spec); err != nil {
				return
			}
		}
		t.Error("the server goes on")
	})
	t.Run("another store, later", func(t *testing.T) {
		t.Parallel()
		c, tree, _ := open(t)
		handle, err := openDir(t, "/").Handle()
		if err != nil {
			t.Fatal(err)
		}
		defer handle.Close()
		_ = c.say(message{kind: tellStore}, int(handle.Fd()))
		for range 1000 {
			if _, err := tree.Lstat("f"); err != nil {
				return
			}
		}
		t.Error("the server goes on")
	})
}

// TestStartErrors: what is no directory of a store.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	closed := openDir(t, t.TempDir())
	_ = closed.Close()
	for name, stores := range map[string][]*beneath.Dir{
		"closed":   {closed},
		"too many": make([]*beneath.Dir, maxStores+1),
	} {
		ours, theirs, err := newPair()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = Serve(theirs)
			unix.Close(theirs)
		}()
		if c, err := Start(ours, stores); err == nil {
			t.Errorf("%s: no error", name)
			_ = c.Close()
		}
	}
}
