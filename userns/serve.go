package userns

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/internal/relay"
)

// becomeHelper is the role of a helper process. It executes itself once more, as what it may
// do then is settled.
func becomeHelper(string) {
	err := confine()
	if err == nil {
		err = unix.Exec("/proc/self/exe", os.Args, withMarker(os.Environ(), "serve"))
	}
	fmt.Fprintln(os.Stderr, "confine the helper process:", err) // its parent tells
	os.Exit(1)
}

// serve is its role then: it answers on its standard input until the other end is gone.
func serve(string) {
	if err := relay.Serve(0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
