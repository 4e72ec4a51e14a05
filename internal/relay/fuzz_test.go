package relay

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/storetest"
)

// FuzzDecode: whatever a body holds, taking values out of it ends, and gives no more
// than was in it; what was good is the same after crossing once more.
func FuzzDecode(f *testing.F) {
	var e encoder
	e.node(&driver.Node{Link: "target", Xattrs: map[string]string{"user.a": "b", "user.c": ""}, Hides: "x"})
	f.Add(string(e))
	e = nil
	e.spec(driver.Spec{Layer: driver.Place{ID: "a"}, Lowers: []driver.Place{{ID: "b"}}, Tables: []int{1}})
	f.Add(string(e))
	e = nil
	e.fault(errors.Join(unix.ENOENT, driver.ErrObject))
	f.Add(string(e))
	f.Fuzz(func(t *testing.T, body string) {
		d := decoder{rest: body}
		if node := d.node(); d.end() == nil {
			var e encoder
			e.node(node)
			again := decoder{rest: string(e)}
			if diff := cmp.Diff(node, again.node()); diff != "" {
				t.Errorf("a node: %s", diff)
			}
		}
		d = decoder{rest: body}
		spec := d.spec()
		if len(spec.Lowers)+len(spec.Tables) > len(body) {
			t.Errorf("%d folders of %d bytes", len(spec.Lowers)+len(spec.Tables), len(body))
		}
		d = decoder{rest: body}
		if err := d.fault(); d.end() == nil {
			var e encoder
			e.fault(err)
			again := decoder{rest: string(e)}
			if diff := differs(err, again.fault()); diff != "" {
				t.Errorf("an error: %s", diff)
			}
		}
		for d = (decoder{rest: body}); !d.bad && d.rest != ""; {
			d.entry()
		}
	})
}

// FuzzQuestion: whatever a client asks, the server answers in one message, whose body is
// in the memory, or not at all.
func FuzzQuestion(f *testing.F) {
	made := storetest.New(f, "layer a\n dir d\n file d/f \"content\"\n symlink l d\n", storetest.Options{})
	info := made.Layer("a")
	s := &server{stores: []*beneath.Dir{openDir(f, made.Root)}, trees: map[uint32]driver.Tree{}}
	f.Cleanup(s.end)
	tree, err := driver.Open(s.stores, specOf(info, storetest.Options{}))
	if err != nil {
		f.Fatal(err)
	}
	handle, err := s.keep(tree)
	if err != nil {
		f.Fatal(err)
	}
	seed := func(k kind, body func(e *encoder)) {
		var e encoder
		body(&e)
		f.Add(uint32(k), []byte(e))
	}
	name := func(e *encoder) { e.str("l/f") }
	for _, k := range []kind{askFile, askLstat, askReadDir} {
		seed(k, name)
	}
	seed(askReadDir, func(e *encoder) { e.str("d") })
	seed(askOpen, func(e *encoder) { e.spec(specOf(info, storetest.Options{})) })
	seed(askItem, func(e *encoder) { e.place(driver.Place{ID: info.ID}); e.str("link") })
	seed(askLstatAll, func(e *encoder) { name(e); e.uint(2); e.str("f"); e.str("g") })
	seed(askReadFiles, func(e *encoder) { e.uint(2); name(e); e.uint(7); e.str("g"); e.uint(1) })
	_, mem, err := newMemory()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, k uint32, body []byte) {
		ours, theirs, err := newPair()
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(ours)
		defer unix.Close(theirs)
		_ = unix.Shutdown(ours, unix.SHUT_WR) // asks for no second piece
		l := &serving{lane: lane{socket: theirs, mem: mem}, server: s}
		err = l.answer(message{kind: kind(k), handle: handle}, &decoder{rest: string(body)})
		_ = unix.Shutdown(theirs, unix.SHUT_WR)
		b := make([]byte, 100)
		n, fds, readErr := receiveHanded(ours, b)
		for _, fd := range fds {
			if err := checkFile(fd); err != nil {
				t.Error(err)
			}
		}
		closeAll(fds)
		if (readErr == nil) != (err == nil) {
			t.Fatalf("the server gives %v, the client %v", err, readErr)
		}
		if err != nil {
			return
		}
		m, err := parseMessage(b[:n])
		if _, bodyErr := m.body(mem); err != nil || bodyErr != nil || m.kind != answerDone && m.kind != answerFail {
			t.Errorf("answer %+v, %v, %v", m, err, bodyErr)
		}
		if len(s.trees) > 100 {
			for h := range s.trees {
				if h != handle {
					s.forget(h)
				}
			}
		}
	})
}
