package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker in releases: -X main.release=v1.2.3.
var release string

func version() string {
	v := release
	if build, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = build.Main.Version
	}
	if v == "" {
		v = "(devel)"
	}
	return fmt.Sprintf("%s (%s, %s/%s)", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
