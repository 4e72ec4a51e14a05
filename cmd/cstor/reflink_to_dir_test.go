package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
)

// TestExtractionShown: on a terminal one sees how much of an extraction is done, and of what.
func TestExtractionShown(t *testing.T) {
	t.Setenv("TERM", "xterm")
	d := newTerminal(t, 6, 120)
	x := &toDir{subject: subject{app: &app{stderr: d.tty}}}
	x.progress.patience = -1
	x.progress.start(x.stderr)
	var opts extract.Options
	task := x.watch(&opts)
	opts.Begin(extract.Total{Files: 4, Bytes: 1e6})
	opts.Progress(extract.Progress{Files: 1, Shared: 250_000, Copied: 250_000})
	time.Sleep(2 * drawn)
	task.done()
	x.progress.stop()
	d.close(t)
	for _, want := range []string{"500 kB / 1 MB", "1 of 4 files, 250 kB shared"} {
		if !strings.Contains(d.out.String(), want) {
			t.Errorf("%q was not drawn: %q", want, d.out.String())
		}
	}
	// Elsewhere nothing is counted.
	x = &toDir{subject: subject{app: &app{stderr: &bytes.Buffer{}}}}
	x.progress.start(x.stderr)
	opts = extract.Options{}
	if x.watch(&opts).done(); opts.Begin != nil || opts.Progress != nil {
		t.Error("counted without a terminal")
	}
}

// TestParseMap: ranges as podman takes them.
func TestParseMap(t *testing.T) {
	t.Parallel()
	got, err := parseMap("uidmap", []string{"0:1000", "1:100000:65535,70000:5:2"})
	want := []cstor.IDMap{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65535}, {ContainerID: 70000, HostID: 5, Size: 2}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "0", "0:1:0", "0:1:2:3", "a:1:1", "0:-1:1", "0:1:1,"} {
		if got, err := parseMap("uidmap", []string{bad}); err == nil || !strings.Contains(err.Error(), "CONTAINER:HOST[:SIZE]") {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}
