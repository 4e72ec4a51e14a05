package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// command to be measured. What it prints goes through a pipe to this program, which
// reads it away.
type command struct {
	path   string
	args   []string
	diffID string // sha256 of what it must print, if that is known
}

// usage of a command.
type usage struct {
	wall time.Duration // from its start until it has ended and the pipe is empty
	peak int64         // KiB, of the largest of its processes
	printout
}

// printout is what a command printed.
type printout struct {
	size  int64  // bytes
	lines int64  // if it was looked at
	sum   string // likewise
}

// bufferSize is that of the reader at the other end of the pipe.
const bufferSize = 1 << 20

// start runs a command to its end; with check, what it prints is compared with diffID. To look
// at that takes time, and is done only with check or look.
func (b *bench) start(c command, check, look bool) (usage, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return usage{}, fmt.Errorf("pipe: %w", err)
	}
	reader, writer := os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe")
	defer reader.Close()
	var complaint bytes.Buffer
	cmd := exec.CommandContext(b.ctx, c.path, c.args...)
	cmd.Stdout, cmd.Stderr = writer, &complaint
	start := time.Now()
	err := cmd.Start()
	writer.Close()
	if err != nil {
		return usage{}, err
	}
	check = check && c.diffID != ""
	printed, err := drain(fds[0], b.buffer, look || check)
	err = errors.Join(cmd.Wait(), err)
	u := usage{wall: time.Since(start), printout: printed}
	if err != nil {
		return u, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	if check && u.sum != c.diffID {
		return u, fmt.Errorf("it printed %s, which should be %s", u.sum, c.diffID)
	}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = r.Maxrss
	}
	return u, nil
}

// drain reads a pipe until its end. The descriptor blocks: no poller stands between it
// and the writer.
func drain(fd int, buffer []byte, look bool) (p printout, err error) {
	sum := sha256.New()
	for {
		n, err := unix.Read(fd, buffer)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return p, fmt.Errorf("read the pipe: %w", err)
		case n == 0 && look:
			p.sum = fmt.Sprintf("sha256:%x", sum.Sum(nil))
			return p, nil
		case n == 0:
			return p, nil
		}
		if p.size += int64(n); look {
			p.lines += int64(bytes.Count(buffer[:n], []byte{'\n'}))
			_, _ = sum.Write(buffer[:n]) // never fails
		}
	}
}
