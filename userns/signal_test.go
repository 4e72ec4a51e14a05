package userns

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/storetest"
)

// working starts a program that writes a file, and waits until it does. It returns
// the program's process inside.
func working(t *testing.T, cmd *exec.Cmd) (pid int) {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// within waits until something is so.
func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 500 {
		if so() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("not within 5 s: %s", what)
}

// gone is for a process that may have been left to process 1, which takes its time.
func gone(pid int) func() bool {
	return func() bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) || state(pid) == "Z" }
}

// state is the letter for what a process does; T is stopped.
func state(pid int) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(data), ") ")
	letter, _, _ := strings.Cut(rest, " ")
	return letter
}

func ways(t *testing.T) map[string]string {
	return map[string]string{"nsenter": links(t, append(tools, "nsenter")...), "child": links(t, tools...)}
}

// Whatever ends the program ends it in the same way as if it had not entered, and
// nothing is left: neither a process nor a file.
func TestSignals(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		for name, path := range ways(t) {
			for _, c := range []struct {
				program string
				signal  unix.Signal
				group   bool // to all processes, as a terminal does
				by      unix.Signal
				exit    int
				keeps   bool // the file
			}{
				{program: "tidy", signal: unix.SIGINT, exit: 130},
				{program: "tidy", signal: unix.SIGINT, group: true, exit: 130},
				{program: "tidy", signal: unix.SIGTERM, exit: 143},
				{program: "tidy", signal: unix.SIGTERM, group: true, exit: 143},
				{program: "tidy", signal: unix.SIGHUP, exit: 129},
				{program: "tidy", signal: unix.SIGKILL, by: unix.SIGKILL, keeps: name == "nsenter"},
				{program: "endure", signal: unix.SIGINT, by: unix.SIGINT, keeps: true},
				{program: "endure", signal: unix.SIGTERM, by: unix.SIGTERM, keeps: true},
				{program: "endure", signal: unix.SIGKILL, by: unix.SIGKILL, keeps: true},
			} {
				t.Run(fmt.Sprint(name, " ", c.program, " ", c.signal, " ", c.group), func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "file")
					cmd := command(t, c.program, path, file)
					cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
					pid := working(t, cmd)
					to := cmd.Process.Pid
					if c.group {
						to = -to
					}
					if err := unix.Kill(to, c.signal); err != nil {
						t.Fatal(err)
					}
					_ = cmd.Wait() // the status is looked at below
					within(t, "no process is left", gone(pid))
					status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
					switch {
					case c.by != 0 && (!status.Signaled() || status.Signal() != c.by):
						t.Errorf("ended with %v, not by %v", cmd.ProcessState, c.by)
					case c.by == 0 && status.ExitStatus() != c.exit:
						t.Errorf("ended with %v, not %d", cmd.ProcessState, c.exit)
					}
					if _, err := os.Stat(file); (err == nil) != c.keeps {
						t.Errorf("file: %v", err)
					}
				})
			}
		}
	})
}

// Who writes to a reader that has gone is ended by that.
func TestBrokenPipe(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		for name, path := range ways(t) {
			t.Run(name, func(t *testing.T) {
				cmd := command(t, "chatter", path)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := out.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
				_ = out.Close()
				_ = cmd.Wait() // the status is looked at below
				if status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != unix.SIGPIPE {
					t.Errorf("ended with %v", cmd.ProcessState)
				}
			})
		}
	})
}

// A signal that whoever started the program has switched off stays off.
func TestIgnoredSignal(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		for name, path := range ways(t) {
			t.Run(name, func(t *testing.T) {
				cmd := command(t, "endure", path, filepath.Join(t.TempDir(), "file"))
				cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"}, cmd.Args...)
				pid := working(t, cmd)
				if err := cmd.Process.Signal(unix.SIGHUP); err != nil {
					t.Fatal(err)
				}
				time.Sleep(300 * time.Millisecond)
				if gone(pid)() {
					t.Error("the program has ended")
				}
				_ = cmd.Process.Signal(unix.SIGTERM)
				_ = cmd.Wait()
				within(t, "no process is left", gone(pid))
			})
		}
	})
}

// TestTerminalStop presses Ctrl-Z where that stops nobody: nothing of the program stops then,
// since nobody would let it go on.
func TestTerminalStop(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		for way, path := range ways(t) {
			for how, script := range map[string]string{"orphaned": `exec "$@"`, "switched off": `trap '' TSTP; exec "$@"`} {
				t.Run(way+" "+how, func(t *testing.T) {
					master, tty := openTerminal(t)
					cmd := command(t, "endure", path, filepath.Join(t.TempDir(), "file"))
					cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", script, "sh"}, cmd.Args...)
					cmd.Stdin = tty
					// The session's first group has nobody outside of it in the session.
					cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
					if how != "orphaned" { // a group whose parent is in the session, as this process is
						cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
					}
					pid := working(t, cmd)
					if how == "orphaned" {
						if _, err := master.WriteString("\x1a"); err != nil {
							t.Fatal(err)
						}
					} else if err := unix.Kill(-cmd.Process.Pid, unix.SIGTSTP); err != nil {
						t.Fatal(err)
					}
					time.Sleep(300 * time.Millisecond)
					if state(cmd.Process.Pid) == "T" || state(pid) == "T" {
						t.Errorf("the parent is in state %s, the program in state %s", state(cmd.Process.Pid), state(pid))
					}
					_ = cmd.Process.Signal(unix.SIGCONT)
					_ = cmd.Process.Signal(unix.SIGTERM)
					_ = cmd.Wait()
					within(t, "no process is left", gone(pid))
				})
			}
		}
	})
}

// TestJobControl presses keys of a terminal that a shell has given to the program:
// Ctrl-Z stops all of it, the shell sees that, "fg" lets it go on, Ctrl-C ends it.
func TestJobControl(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		for name, path := range ways(t) {
			t.Run(name, func(t *testing.T) {
				master, tty := openTerminal(t)
				cmd := command(t, "shell", path, filepath.Join(t.TempDir(), "file"))
				cmd.Stdin = tty
				cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
				cmd.Stderr = os.Stderr
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				said := bufio.NewReader(out)
				var job, pid int
				if _, err := fmt.Fscan(said, &job, &pid); err != nil {
					t.Fatal(err)
				}
				press := func(key string) {
					t.Helper()
					if _, err := master.WriteString(key); err != nil {
						t.Fatal(err)
					}
				}
				expect := func(want string) {
					t.Helper()
					var got string
					if _, err := fmt.Fscan(said, &got); err != nil || got != want {
						t.Errorf("the shell sees %q, want %q (%v)", got, want, err)
					}
				}
				press("\x1a")
				expect("stopped")
				within(t, "both are stopped", func() bool { return state(job) == "T" && state(pid) == "T" })
				if err := cmd.Process.Signal(unix.SIGUSR1); err != nil { // "fg"
					t.Fatal(err)
				}
				within(t, "both go on", func() bool { return state(job) != "T" && state(pid) != "T" })
				press("\x03")
				expect("130")
				_ = cmd.Wait()
				within(t, "no process is left", gone(pid))
			})
		}
	})
}

// shell is a program for the test that runs another one in the foreground of its
// terminal, and says how that fares.
func shell() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), playing+"=thorough")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Println(cmd.Process.Pid)
	for {
		var status unix.WaitStatus
		if _, err := unix.Wait4(cmd.Process.Pid, &status, unix.WUNTRACED, nil); err == unix.EINTR {
			continue
		} else if err != nil {
			panic(err)
		}
		if !status.Stopped() {
			fmt.Println(status.ExitStatus())
			os.Exit(0)
		}
		fg := make(chan os.Signal, 1)
		signal.Notify(fg, unix.SIGUSR1)
		fmt.Println("stopped")
		<-fg
		if err := unix.Kill(-cmd.Process.Pid, unix.SIGCONT); err != nil {
			panic(err)
		}
	}
}

func openTerminal(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return master, tty
}
