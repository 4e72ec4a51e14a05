package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with somebody in front of it, who sees what a screen
// of its size would show.
type terminal struct {
	tty          *os.File // for the program
	master       *os.File
	cooked       unix.Termios
	reader       sync.WaitGroup
	out          strings.Builder // all that was written; complete after close
	rows, cols   int
	screen       [][]rune
	x, y, widest int
	above        []string // lines that have left the screen
}

func newTerminal(t *testing.T, rows, cols int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	size := &unix.Winsize{Row: uint16(rows), Col: uint16(cols)}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
	cooked, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	d := &terminal{tty: tty, master: master, cooked: *cooked, rows: rows, cols: cols, screen: make([][]rune, rows)}
	d.reader.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			d.out.Write(buf[:n])
			if err != nil { // EIO: the program has closed its side
				return
			}
		}
	})
	return d
}

// close ends the program's side. What is left on the screen can be asked then.
func (d *terminal) close(t *testing.T) {
	t.Helper()
	after, err := unix.IoctlGetTermios(int(d.tty.Fd()), unix.TCGETS)
	if err != nil || *after != d.cooked {
		t.Errorf("the state of the terminal has changed (%v)", err)
	}
	_ = d.tty.Close()
	d.reader.Wait()
	_ = d.master.Close()
	text := d.out.String()
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' })
			n, _ := strconv.Atoi(rest[:end])
			switch rest[end] {
			case 'A':
				d.y = max(d.y-max(n, 1), 0)
			case 'J':
				d.screen[d.y] = d.screen[d.y][:min(d.x, len(d.screen[d.y]))]
				clear(d.screen[d.y+1:])
			default:
				t.Errorf("unexpected %q", text[:2+end+1])
			}
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		d.put(r)
		text = text[len(string(r)):]
	}
}

func (d *terminal) put(r rune) {
	switch r {
	case '\r':
		d.x = 0
		return
	case '\n':
		d.down()
		return
	}
	if d.x == d.cols {
		d.x = 0
		d.down()
	}
	line := d.screen[d.y]
	for len(line) <= d.x {
		line = append(line, ' ')
	}
	line[d.x] = r
	d.screen[d.y] = line
	d.x++
	d.widest = max(d.widest, d.x)
}

func (d *terminal) down() {
	if d.y++; d.y == d.rows {
		d.above = append(d.above, strings.TrimRight(string(d.screen[0]), " "))
		d.screen = append(d.screen[1:], nil)
		d.y--
	}
}

// seen are the lines that are left, from the first that was written on.
func (d *terminal) seen() []string {
	all := append([]string{}, d.above...)
	for _, line := range d.screen[:d.y+1] {
		all = append(all, strings.TrimRight(string(line), " "))
	}
	if last := len(all) - 1; all[last] == "" {
		all = all[:last]
	}
	return all
}
