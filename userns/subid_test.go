package userns

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A list is read to its limit, not beyond.
func TestSubidsLimit(t *testing.T) {
	t.Parallel()
	line := "bob:100000:65536\n"
	text := strings.Repeat(line, maxSubids/len(line))
	who := account{name: "anna", uid: 1000}
	path := filepath.Join(t.TempDir(), "subuid")
	for text, fits := range map[string]bool{text: true, text + line: false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readSubids(path, who); (err == nil) != fits {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

func TestSubidsElsewhere(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"subid: sss\n":                        true,
		"passwd: files\nsubid:\tsss files\n":  true,
		"subid: files sss\n":                  false,
		"subid: files\n":                      false,
		"subid:\n":                            false,
		"# subid: sss\n":                      false,
		"passwd: sss\n":                       false,
		"subids: sss\n":                       false,
		"":                                    false,
		"  subid: sss # as the directory has": true,
	}
	for text, want := range cases {
		path := filepath.Join(t.TempDir(), "nsswitch.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := subidsElsewhere(path); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if subidsElsewhere(filepath.Join(t.TempDir(), "nothing")) {
		t.Error("no file names another source")
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	const passwd = "root:x:0:0::/root:/bin/sh\nanna:x:1000:100:Anna,,,:/home/anna:/bin/sh\nbad\nx:1000\nanna2:x:1000:100::/:/bin/sh\n"
	for uid, want := range map[uint32]string{0: "root", 1000: "anna", 100: "", 1: ""} {
		if got := nameOf(strings.NewReader(passwd), uid); got != want {
			t.Errorf("%d: %q, want %q", uid, got, want)
		}
	}
}
