package userns

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/idmap"
)

// passed are the signals that somebody may send to a program to make it do
// something. What is switched off, as nohup does it, is so in the child as well.
var passed = []os.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
	unix.SIGALRM, unix.SIGCONT, unix.SIGTSTP, unix.SIGWINCH,
}

// tend runs the program from its start as a child within a new namespace, does
// nothing but pass signals on until that ends, and ends as the child did. It returns
// only with an error, when there is no child.
//
// The child is of the same process group, so that a terminal's keys reach both. It
// learns by a pipe when this process is killed.
func tend(ctx context.Context, maps idmap.Maps) error {
	cmd, err := self("")
	if err != nil {
		return err
	}
	lifeline, held, err := os.Pipe()
	if err != nil {
		return err
	}
	defer held.Close()
	defer lifeline.Close()
	cmd.Args = os.Args
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	given := inherited()
	cmd.ExtraFiles = append(slices.Clip(given), lifeline)
	cmd.Env = enteredEnv("lifeline " + strconv.Itoa(2+len(cmd.ExtraFiles)))
	n, err := bear(ctx, cmd, maps)
	for _, f := range given {
		_ = f.Close() // nil, or a copy that the child has now
	}
	if err != nil {
		return err
	}
	// From here on this program does nothing about signals by itself.
	signal.Reset()
	came, ended := make(chan os.Signal, 64), make(chan struct{})
	signal.Notify(came, wanted()...)
	defer signal.Stop(came)
	if ctx.Err() != nil { // it did something already
		n.end()
		return context.Cause(ctx)
	}
	if err := n.release(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	go pass(cmd.Process, came, ended)
	state, err := cmd.Process.Wait()
	close(ended)
	if err != nil {
		return err
	}
	endAs(state)
	return nil
}

// pass hands signals on until the child has ended. Whoever sends one to all of the
// group has reached the child as well, which would take a second one for impatience: so
// it gets a moment. SIGINT and SIGQUIT in the foreground of a terminal are taken for
// the terminal's own, and are not handed on at all: the child may need longer.
func pass(child *os.Process, came <-chan os.Signal, ended <-chan struct{}) {
	for {
		var s os.Signal
		select {
		case <-ended:
			return
		case s = <-came:
		}
		if (s == unix.SIGINT || s == unix.SIGQUIT) && foreground() {
			continue
		}
		switch s {
		case unix.SIGCONT, unix.SIGWINCH:
		case unix.SIGTSTP:
			_ = child.Signal(s)
			stop()
			continue
		default:
			select {
			case <-ended:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
		_ = child.Signal(s) // fails if it has ended
	}
}

// wanted are the signals to pass on. Who was started with SIGTSTP switched off does not
// stop; the runtime leaves that signal alone, and does not know.
func wanted() []os.Signal {
	if ignored(unix.SIGTSTP) {
		return slices.DeleteFunc(slices.Clone(passed), func(s os.Signal) bool { return s == unix.SIGTSTP })
	}
	return passed
}

// stop is what SIGTSTP does to a process that has no handler: it stops, unless nobody
// would ever let it go on, because the group is orphaned (setpgid(2)). The child does the
// same.
func stop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handler := replace(unix.SIGTSTP, sigaction{})               // signal.Reset would leave the runtime's
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP) // to this thread: it happens here
	replace(unix.SIGTSTP, handler)
}
