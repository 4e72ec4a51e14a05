package main

import (
	"errors"
	"testing"
	"time"

	"github.com/cstor-go/cstor/libpoddb"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		c    container
		want string
	}{
		{container{}, ""},
		{container{read: true}, "Storage"},
		{container{podman: &libpoddb.Container{State: libpoddb.Created}}, "Created"},
		{container{podman: &libpoddb.Container{State: libpoddb.Running, Started: now.Add(-5 * time.Minute)}}, "Up 5 minutes"},
		{container{podman: &libpoddb.Container{State: libpoddb.Running, Started: now}}, "Up a moment"},
		{container{podman: &libpoddb.Container{State: libpoddb.Exited, ExitCode: 137, Finished: now.Add(-2 * time.Hour)}}, "Exited (137) 2 hours ago"},
		{container{podman: &libpoddb.Container{State: libpoddb.Stopped, Finished: now}}, "Exited (0) just now"},
		{container{podman: &libpoddb.Container{State: libpoddb.Exited, ExitCode: -1}}, "Exited (-1)"},
		{container{podman: &libpoddb.Container{State: libpoddb.Paused}}, "Paused"},
		{container{podman: &libpoddb.Container{State: 99}}, "Bad state"},
	} {
		if got := tt.c.status(now); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestUnjoin(t *testing.T) {
	t.Parallel()
	one, two := errors.New("one"), errors.New("two")
	if got := unjoin(nil); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
	if got := unjoin(one); len(got) != 1 || !errors.Is(got[0], one) {
		t.Errorf("of one: %v", got)
	}
	if got := unjoin(errors.Join(one, two)); len(got) != 2 || !errors.Is(got[1], two) {
		t.Errorf("of two: %v", got)
	}
}
