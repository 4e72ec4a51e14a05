package userns

import (
	"context"
	"flag"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary play the programs that the tests start.
func TestMain(m *testing.M) {
	roles["test-show"] = show
	roles["test-forbid"] = forbid
	roles["test-nest"] = nest
	again := os.Getenv(marker)
	Init()
	if play := os.Getenv(playing); play != "" {
		program(play, again)
	}
	keepOwn()
	// Shells switch off signals of what they start in the background, and scripts may.
	for s := range unix.Signal(32) {
		if s > 0 && ignored(s) && s != unix.SIGPIPE {
			replace(s, sigaction{})
		}
	}
	flag.Parse()
	if skip := flag.Lookup("test.skip"); skip.Value.String() == "" && !canHelp() {
		_ = skip.Value.Set("^ExampleHelper$") // examples cannot skip by themselves
	}
	os.Exit(m.Run())
}

// canHelp reports whether this user needs no helper process, or can have one.
func canHelp() bool {
	if os.Geteuid() == 0 {
		return true
	}
	cmd, err := self("no such role") // does nothing
	if err != nil {
		return false
	}
	cmd.Args = append(cmd.Args, "-test.run=^$", "-test.skip=.")
	return startInNamespace(context.Background(), cmd) == nil && cmd.Wait() == nil
}

// keepOwn keeps descriptors from the programs that the tests start that whoever
// started the tests left open: the programs say what they have inherited.
func keepOwn() {
	_ = unix.CloseRange(3, 1<<16, unix.CLOSE_RANGE_CLOEXEC) // Linux before 5.11 refuses it
}
