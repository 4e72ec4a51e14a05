package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// update rewrites what the scripts expect.
var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

// TestMain lets scripts execute this test binary under the name of the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tar-diff": main})
}

// TestScripts runs testdata/script: each file is what one user does in a session.
// Commands beyond testscript's own:
//
//	mktar FILE SPEC
//	    make a tar, compressed if FILE ends in .gz or .zst: see parseTar.
//	exits STATUS COMMAND ARG...
//	    run, and demand an exact exit status. If it is 2, standard error is exactly one
//	    line that begins with "tar-diff: "; else it is empty.
//	mkfifo FILE
//	truncate FILE SIZE
//	poke FILE OFFSET TEXT
//	    write TEXT into FILE.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mktar": cmdMktar, "exits": cmdExits, "mkfifo": cmdMkfifo, "truncate": cmdTruncate, "poke": cmdPoke,
		},
	})
}

// TestUpdateIsOff: expectations that are rewritten by every run test nothing.
func TestUpdateIsOff(t *testing.T) {
	t.Parallel()
	if *update && strings.EqualFold(os.Getenv("CI"), "true") {
		t.Fatal("-update is on although CI=true: expected output is rewritten by people, who look at it")
	}
}

func cmdMktar(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mktar FILE SPEC")
	}
	data, err := parseTar(ts.ReadFile(args[1]))
	ts.Check(err)
	var b bytes.Buffer
	switch {
	case strings.HasSuffix(args[0], ".gz"):
		w := gzip.NewWriter(&b)
		_, err = w.Write(data)
		ts.Check(errors.Join(err, w.Close()))
	case strings.HasSuffix(args[0], ".zst"):
		w, err := zstd.NewWriter(&b)
		ts.Check(err)
		_, err = w.Write(data)
		ts.Check(errors.Join(err, w.Close()))
	default:
		b.Write(data)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// parseTar makes a tar from lines: NAME, perhaps quoted as in Go, and attributes
// mode=OCTAL, mtime=SECONDS, pax:KEY=VALUE, content=TEXT, repeat=COUNT (of the
// content). A line "end BLOCKS" says how many blocks of zeros end it: 2 if it is
// missing.
func parseTar(spec string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	blocks := 2
	for line := range strings.Lines(spec) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "end" {
			n, err := strconv.Atoi(words[1])
			if err != nil {
				return nil, err
			}
			blocks = n
			continue
		}
		h, content, err := parseEntry(words)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(content)); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	b.Write(make([]byte, blocks*512))
	return b.Bytes(), nil
}

func parseEntry(words []string) (h *tar.Header, content string, err error) {
	h = &tar.Header{Name: words[0], Mode: 0o644, Typeflag: tar.TypeReg}
	if h.Name[0] == '"' {
		if h.Name, err = strconv.Unquote(h.Name); err != nil {
			return nil, "", err
		}
	}
	if strings.HasSuffix(h.Name, "/") {
		h.Typeflag = tar.TypeDir
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		var n int64
		switch key {
		case "mode":
			h.Mode, err = strconv.ParseInt(value, 8, 64)
		case "mtime":
			n, err = strconv.ParseInt(value, 10, 64)
			h.ModTime = time.Unix(n, 0)
		case "content":
			content = value
		case "repeat":
			n, err = strconv.ParseInt(value, 10, 64)
			content = strings.Repeat(content, int(n))
		default:
			name, ok := strings.CutPrefix(key, "pax:")
			if !ok {
				err = fmt.Errorf("attribute %q", key)
			}
			h.PAXRecords = map[string]string{name: value}
		}
		if err != nil {
			return nil, "", err
		}
	}
	return h, content, nil
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d (%v)", got, want, err)
	}
	message := ts.ReadFile("stderr")
	if one := strings.HasPrefix(message, "tar-diff: ") && strings.Count(message, "\n") == 1 && strings.HasSuffix(message, "\n"); one != (got == 2) || !one && message != "" {
		ts.Fatalf("standard error is %q", message)
	}
}

func cmdMkfifo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mkfifo FILE")
	}
	ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o600))
}

func cmdTruncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE SIZE")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func cmdPoke(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: poke FILE OFFSET TEXT")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte(args[2]), n)
	ts.Check(errors.Join(err, f.Close()))
}
