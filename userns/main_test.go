package userns

import (
	"os"
	"testing"
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
	os.Exit(m.Run())
}
