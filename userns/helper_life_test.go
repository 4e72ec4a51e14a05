package userns_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/userns"
)

func init() {
	userns.AddRole("test-host", hostProgram)
}

const oneFile = "layer a\n file f \"content\"\n"

// hostProgram is a program that uses a helper, and then waits. It prints the helper's
// process id.
func hostProgram(told string) {
	how, root, _ := strings.Cut(told, " ")
	h := userns.NewPlainHelper()
	s, err := cstor.Open(context.Background(), root, cstor.Options{Helper: h})
	if err != nil {
		exit(err)
	}
	for l, err := range s.Layers() {
		if err == nil {
			_, err = l.Lstat("f")
		}
		if err != nil {
			exit(err)
		}
	}
	for _, pid := range h.Processes() {
		fmt.Println(pid)
	}
	switch how {
	case "exits":
		exit(nil)
	case "leaks": // every descriptor, to a process that stays
		for fd := range 100 {
			_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0) // most are none
		}
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			exit(err)
		}
		fmt.Println(cmd.Process.Pid)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	select {}
}

// TestHelperEndsWithItsParent, however that ends.
func TestHelperEndsWithItsParent(t *testing.T) {
	made := storetest.New(t, oneFile, storetest.Options{})
	for _, how := range []string{"is killed", "exits", "leaks"} {
		t.Run(how, func(t *testing.T) {
			cmd := userns.Self(t, "test-host "+strings.TrimPrefix(how, "is ")+" "+made.Root)
			out, err := cmd.StdoutPipe()
			check(t, err)
			cmd.Stderr = os.Stderr
			check(t, cmd.Start())
			defer cmd.Wait()
			lines := bufio.NewScanner(out)
			helper := nextPid(t, lines)
			if how == "leaks" {
				sleep := nextPid(t, lines)
				defer unix.Kill(sleep, unix.SIGKILL)
			}
			if how != "exits" {
				if ended(helper, 100*time.Millisecond) {
					t.Error("the helper ends before its parent")
				}
				check(t, cmd.Process.Kill())
			}
			if !ended(helper, 10*time.Second) {
				t.Error("the helper is still running")
				_ = unix.Kill(helper, unix.SIGKILL)
			}
		})
	}
}

func nextPid(t *testing.T, lines *bufio.Scanner) int {
	t.Helper()
	if !lines.Scan() {
		t.Fatal("the program says nothing")
	}
	pid, err := strconv.Atoi(lines.Text())
	check(t, err)
	return pid
}

// ended reports whether a process ends within some time. One that nobody waits for has
// ended.
func ended(pid int, within time.Duration) bool {
	for end := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		if state := stateOf(pid); state == "" || state == "Z" {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// stateOf is one letter; empty if there is no such process.
func stateOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if _, state, ok := strings.Cut(string(stat), ") "); err == nil && ok {
		return state[:1]
	}
	return ""
}

// open opens the store with a helper, and one layer of it.
func open(t *testing.T, root string) (*userns.Helper, *cstor.Storage, *cstor.Layer) {
	t.Helper()
	h := userns.NewPlainHelper()
	t.Cleanup(func() { check(t, h.Close()) })
	s, err := cstor.Open(t.Context(), root, cstor.Options{Helper: h})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	for l, err := range s.Layers() {
		check(t, err)
		return h, s, l
	}
	return nil, nil, nil
}

func TestHelperIsKilled(t *testing.T) {
	t.Parallel()
	made := manyFiles(t, 3000)
	h, _, l := open(t, made.Root)
	f, err := l.OpenFile("usr/lib/modules/dir0/file0.js")
	check(t, err)
	defer f.Close()
	pid := h.Processes()[0]
	_, err = l.WriteTar(t.Context(), writerFunc(func(p []byte) (int, error) {
		_ = unix.Kill(pid, unix.SIGKILL) // may be gone already
		time.Sleep(time.Millisecond)
		return len(p), nil
	}), cstor.WriteOptions{})
	if !errors.Is(err, userns.ErrHelperEnded) || errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("export: %v", err)
	}
	if _, err := f.Stat(); err != nil {
		t.Errorf("a file that was open: %v", err)
	}
	// Another one is started.
	if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); err != nil {
		t.Errorf("again: %v", err)
	}
	if now := h.Processes(); len(now) != 1 || now[0] == pid {
		t.Errorf("processes %v, was %d", now, pid)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestHelperIsKilledOften: each call gives what it should, or that error, and none
// hangs.
func TestHelperIsKilledOften(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, oneFile, storetest.Options{})
	h, _, l := open(t, made.Root)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, err := l.Lstat("f")
				if err != nil && !errors.Is(err, userns.ErrHelperEnded) || err == nil && n.Size != 7 {
					t.Errorf("%+v, %v", n, err)
					return
				}
			}
		})
	}
	for range 10 {
		time.Sleep(5 * time.Millisecond)
		for _, pid := range h.Processes() {
			_ = unix.Kill(pid, unix.SIGKILL) // may be gone already
		}
	}
	close(stop)
	all.Wait()
	if n, err := l.Lstat("f"); err != nil || n.Size != 7 {
		if n, err = l.Lstat("f"); err != nil || n.Size != 7 { // the last one may have been killed just now
			t.Errorf("in the end: %+v, %v", n, err)
		}
	}
}

func TestHelperIsClosed(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, oneFile, storetest.Options{})
	h, s, l := open(t, made.Root)
	f, err := l.OpenFile("f")
	check(t, err)
	defer f.Close()
	pid := h.Processes()[0]
	for range 2 {
		check(t, h.Close())
	}
	if !ended(pid, 0) {
		t.Error("the process is still running")
	}
	if got, err := io.ReadAll(f); string(got) != "content" {
		t.Errorf("a file that was open: %q, %v", got, err)
	}
	if _, err := l.Lstat("f"); !errors.Is(err, fs.ErrClosed) || errors.Is(err, userns.ErrHelperEnded) {
		t.Errorf("a layer that was open: %v", err)
	}
	other, err := cstor.Open(t.Context(), made.Root, cstor.Options{Helper: h})
	check(t, err)
	defer other.Close()
	l, err = other.Layer(l.ID())
	check(t, err)
	if _, err := l.Lstat("f"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a layer that is opened afterwards: %v", err)
	}
	_ = s
}

// TestHelperIsStopped: Close ends also a process that does not answer.
func TestHelperIsStopped(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, oneFile, storetest.Options{})
	h, _, l := open(t, made.Root)
	_, err := l.Lstat("f")
	check(t, err)
	pid := h.Processes()[0]
	check(t, unix.Kill(pid, unix.SIGSTOP))
	for stateOf(pid) != "T" {
		time.Sleep(time.Millisecond)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := l.Lstat("f")
		failed <- err
	}()
	time.Sleep(20 * time.Millisecond)
	check(t, h.Close())
	if err := <-failed; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a call that was under way: %v", err)
	}
	if !ended(pid, 0) {
		t.Error("the process is still running")
	}
}

// TestHelperIsClosedEarly: Close ends a call for which a process is being started.
func TestHelperIsClosedEarly(t *testing.T) {
	t.Parallel()
	made := storetest.New(t, oneFile, storetest.Options{})
	starting, failed := make(chan struct{}), make(chan error, 1)
	h := userns.NewSlowHelper(starting)
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{Helper: h})
	check(t, err)
	defer s.Close()
	l, err := s.Layer(made.Layer("a").ID)
	check(t, err)
	go func() {
		_, err := l.Lstat("f")
		failed <- err
	}()
	<-starting
	check(t, h.Close())
	if err := <-failed; !errors.Is(err, fs.ErrClosed) || errors.Is(err, context.Canceled) {
		t.Errorf("a call that was under way: %v", err)
	}
}

// TestHelperDoesNotStart: the error says why, and is about no file.
func TestHelperDoesNotStart(t *testing.T) {
	made := storetest.New(t, oneFile, storetest.Options{})
	for name, h := range userns.BrokenHelpers() {
		s, err := cstor.Open(t.Context(), made.Root, cstor.Options{Helper: h})
		check(t, err)
		l, err := s.Layer(made.Layer("a").ID)
		check(t, err)
		if _, err := l.Lstat("f"); err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, cstor.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		check(t, s.Close())
		check(t, h.Close())
	}
}

// TestHelperWithoutInit: the program would do in the helper what it does itself, and
// start one again.
func TestHelperWithoutInit(t *testing.T) {
	made := storetest.New(t, oneFile, storetest.Options{})
	h, _, l := open(t, made.Root)
	userns.WithoutInit(func() {
		if _, err := l.Lstat("f"); err == nil || len(h.Processes()) > 0 {
			t.Errorf("%v, processes %v", err, h.Processes())
		}
	})
	if _, err := l.Lstat("f"); err != nil {
		t.Error(err)
	}
}

// TestHelperLeaksNothing: neither this process nor the helper holds what was closed.
func TestHelperLeaksNothing(t *testing.T) {
	made := storetest.New(t, "layer a\n file f \"content\"\n dir d\n symlink l f\n", storetest.Options{})
	h, s, l := open(t, made.Root)
	use := func() {
		for _, name := range []string{"f", "d", "l", "nothing", "a\x00"} {
			if f, err := l.OpenFile(name); err == nil {
				_ = f.Close()
			}
			_, _ = l.Lstat(name)
			_, _ = l.ReadDir(name)
		}
		if _, err := l.WriteTar(t.Context(), io.Discard, cstor.WriteOptions{}); err != nil {
			t.Error(err)
		}
		other, err := cstor.Open(t.Context(), made.Root, cstor.Options{Helper: h})
		check(t, err)
		l, err := other.Layer(l.ID())
		check(t, err)
		_, err = l.Lstat("f")
		check(t, errors.Join(err, other.Close()))
	}
	use() // the layer is open once
	var all sync.WaitGroup
	for range 20 { // all lanes are there
		all.Go(use)
	}
	all.Wait()
	count := func() (here, there int) {
		_, err := l.Lstat("f") // what was to be forgotten is
		check(t, err)
		return descriptors(t, os.Getpid()), descriptors(t, h.Processes()[0])
	}
	here, there := count()
	for range 100 {
		use()
	}
	nowHere, nowThere := count()
	for end := time.Now().Add(5 * time.Second); nowThere > there && time.Now().Before(end); time.Sleep(time.Millisecond) {
		nowHere, nowThere = count()
	}
	if nowHere != here || nowThere > there {
		t.Errorf("descriptors: %d and %d there, were %d and %d", nowHere, nowThere, here, there)
	}
	check(t, s.Close())
	check(t, h.Close())
	if left := descriptors(t, os.Getpid()); left >= here {
		t.Errorf("%d descriptors in the end, were %d", left, here)
	}
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	check(t, err)
	return len(list)
}
