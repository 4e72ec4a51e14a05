package userns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/internal/relay"
)

// process is a helper process.
type process struct {
	client *relay.Client
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has
}

// starter starts a command that [self] made; after an error nothing runs.
type starter func(context.Context, *exec.Cmd) error

// startProcess starts a command as the helper for some stores. The caller closes it.
func startProcess(ctx context.Context, start starter, cmd *exec.Cmd, stores []*beneath.Dir) (*process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	p, said, err := newProcess(ctx, start, cmd, theirs)
	_ = theirs.Close() // is theirs alone now
	if err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	p.client, err = relay.Start(pair[0], stores)
	if err == nil {
		return p, nil
	}
	err = errors.Join(err, p.close())
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if text := said.text(); text != "" {
		err = fmt.Errorf("%w: it said: %s", err, text)
	}
	return nil, err
}

// newProcess starts the process with a socket as its standard input: that is what every
// program on the way hands on.
func newProcess(ctx context.Context, start starter, cmd *exec.Cmd, socket *os.File) (*process, *lastWords, error) {
	said := new(lastWords)
	cmd.Args = append(cmd.Args, "(cstor helper)") // for those who list processes
	cmd.Dir, cmd.Stdin, cmd.Stderr = "/", socket, said
	cmd.WaitDelay = time.Second // somebody else may hold its standard error
	// A terminal's signals are for this process, which may want to finish something.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := start(ctx, cmd); err != nil {
		return nil, nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended does not matter: who needs it finds that it has
	}()
	return p, said, nil
}

// closeTimeout is how long a process may take to end by itself.
const closeTimeout = time.Second

// close ends the process and waits for it.
func (p *process) close() error {
	if p.client != nil {
		_ = p.client.Close() // never fails
	} else {
		_ = p.cmd.Process.Kill() // it may wait for something that never comes
	}
	for _, then := range []func() error{p.cmd.Process.Kill, func() error { return nil }} {
		select {
		case <-p.ended:
			return nil
		case <-time.After(closeTimeout):
			_ = then() // it may have ended just now
		}
	}
	return fmt.Errorf("helper process %d does not end", p.cmd.Process.Pid)
}

// lastWords keeps the end of what a process says on its standard error. It is safe for
// concurrent use.
type lastWords struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// maxWords is how many bytes are kept.
const maxWords = 2000

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if over := w.buf.Len() - maxWords; over > 0 {
		w.buf.Next(over)
	}
	return len(p), nil
}

func (w *lastWords) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(w.buf.String())
}
