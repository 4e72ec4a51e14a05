package userns

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/internal/storetest"
)

// TestEnterFails: what the program was given stays open when it goes on.
func TestEnterFails(t *testing.T) {
	storetest.AsUserWithIDs(t, func(t *testing.T) {
		given := filepath.Join(t.TempDir(), "given")
		if err := os.WriteFile(given, []byte("given"), 0o600); err != nil {
			t.Fatal(err)
		}
		third, err := os.Open(given)
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		cmd := command(t, "steadfast", links(t)) // neither nsenter nor newuidmap
		cmd.ExtraFiles = []*os.File{third}
		out, _ := cmd.Output() // it fails
		if want := `"given" <nil> true true `; !strings.HasPrefix(string(out), want) || !strings.Contains(string(out), "newuidmap") {
			t.Errorf("%q, want %q", out, want)
		}
	})
}

func TestInForeground(t *testing.T) {
	for stat, want := range map[string]bool{
		"71 (cstor) S 70 71 70 34816 71 4194304 1\n":        true,
		"71 (cstor) S 70 71 70 34816 70 4194304 1\n":        false,
		"71 (a) S 1 (b) 2) S 70 71 70 34816 71 4194304 1\n": true,
		"71 (cstor) S 70 71 70 0 -1 4194304 1\n":            false,
		"71 (cstor) S 70 71":                                false,
		"":                                                  false,
	} {
		if inForeground(stat) != want {
			t.Errorf("%q: not %v", stat, want)
		}
	}
}
