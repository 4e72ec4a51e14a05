package trace

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestRun runs programs that do and do not change a directory.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script string
		writes       bool
	}{
		{"read", `cat store/file > out; ls -lR store; test -w store/file || :; readlink store/link`, false},
		{"write elsewhere", `mkdir other; echo x > other/file; cp -r store copy; rm -r copy`, false},
		{"create", `: > store/new`, true},
		{"append", `echo x >> store/file`, true},
		{"open for writing", `exec 3<> store/file`, true},
		{"relative to a directory", `cd store; exec 3<> ./sub/../file`, true},
		{"through a link", `echo x > into/file`, true},
		{"mkdir", `mkdir store/dir`, true},
		{"rename away", `mv store/file elsewhere`, true},
		{"rename in", `echo x > x; mv x store/x`, true},
		{"hard link out", `ln store/file hard`, true},
		{"symbolic link", `ln -s nowhere store/l`, true},
		{"remove", `rm -f store/file`, true},
		{"times", `touch -d @0 store/file`, true},
		{"mode", `chmod 600 store/file`, true},
		{"failing", `rmdir store/nothing`, true},
		{"through a descriptor of /proc", `exec 3< store/file; echo x > /proc/self/fd/3`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			store := filepath.Join(dir, "store")
			if err := os.MkdirAll(filepath.Join(store, "sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(store, "file"), []byte("content"), 0o644); err != nil {
				t.Fatal(err)
			}
			for link, target := range map[string]string{"into": "store", "store/link": "file"} {
				if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Run(t.Context(), dir, []string{store}, "sh", "-c", tt.script)
			if errors.Is(err, ErrNoStrace) && os.Getenv("CSTOR_REQUIRE_PEERS") != "1" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := len(r.Writes) > 0; got != tt.writes {
				t.Errorf("writes: %v, want %v\n%q\n%s", got, tt.writes, r.Writes, r.Output)
			}
			if !tt.writes && tt.name == "read" && r.Reads == 0 {
				t.Errorf("no reads seen among %d calls", r.Calls)
			}
		})
	}
}
