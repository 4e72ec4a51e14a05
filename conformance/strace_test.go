package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/trace"
)

// commands are the command lines that are watched. IMAGE, LAYER, LINK and CONTAINER stand for ones of the store, PLATFORM for
// the image's, OUT for a path outside the store that does not exist, and two quotes for an empty argument. A command of cstor
// that is not here fails the test.
var commands = []string{
	"list-images", "list-images --format json", "list-images --verbose", "inspect-image IMAGE", "inspect-image IMAGE --layers",
	"inspect-image IMAGE --raw", "inspect-image IMAGE --config", "inspect-image IMAGE --platform PLATFORM",
	"__complete inspect-image ''", "__complete export-layer ''",
	"list-layers", "list-layers IMAGE --platform PLATFORM", "list-layers IMAGE", "inspect-layer LAYER", "inspect-layer LAYER --chain", "resolve-link LINK",
	"list-containers", "list-containers --format json", "inspect-container CONTAINER", "list-pods", "list-volumes", "diff-container CONTAINER",
	"__complete inspect-container ''",
	"export-layer LAYER", "export-layer LAYER -o OUT", "export-layer LAYER --crc -o OUT", "export-layer LAYER --no-verify -o OUT",
	"export-layer LAYER --lock", "export-layer --image IMAGE -o OUT", "export-image IMAGE -o OUT", "copy-to-oci IMAGE OUT",
	"copy-to-oci --compression gzip IMAGE oci-archive:OUT", "copy-to-oci IMAGE docker-archive:OUT:localhost/x:1", "__complete copy-to-oci IMAGE ''",
	"reflink-to-dir IMAGE OUT --reflink never", "reflink-to-dir IMAGE OUT --force-copy", "toc IMAGE", "toc IMAGE --digests", "toc --layer LAYER", "ls IMAGE",
	"ls -lR IMAGE", "cat IMAGE etc/motd", "export-layer LAYER --approximate -o OUT", "__complete cat IMAGE /",
	"ls -lR --container CONTAINER", "toc --container CONTAINER --digests", "export-image --container CONTAINER -o OUT",
	"reflink-to-dir --container CONTAINER OUT --force-copy", "__complete diff-container ''",
	"info", "version",
}

// TestNoWrites runs every command of the cstor binary under strace and wants no call that could change the store.
func TestNoWrites(t *testing.T) {
	needRoot(t)
	binary := cstorBinary(t)
	has := commandsOf(t, binary)
	for _, name := range has {
		if !slices.ContainsFunc(commands, func(c string) bool { return strings.Fields(c)[0] == name }) {
			t.Errorf("command %s is not watched: add it to commands", name)
		}
	}
	for _, name := range readOnly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := named(t, name)
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			words := examples(t, s)
			for _, c := range commands {
				// Completion is a command too, but does not complete itself.
				if name := strings.Fields(c)[0]; name == "__complete" || slices.Contains(has, name) {
					t.Run(c, func(t *testing.T) { watch(t, s, dir, binary, c, words) })
				}
			}
		})
	}
}

// watch runs one command line.
func watch(t *testing.T, s *corpus.Store, dir, binary, command string, words map[string]string) {
	out := filepath.Join(dir, "out")
	defer os.RemoveAll(out)
	argv, flags := []string{binary}, storeFlags(t, s, dir)
	for word := range strings.FieldsSeq(command) {
		switch example, ok := words[word]; {
		case word == "OUT", strings.Contains(word, ":OUT"):
			word = strings.Replace(word, "OUT", out, 1)
		case word == "''":
			word = ""
		case ok && example == "":
			t.Skipf("the store has no %s", strings.ToLower(word))
		case ok:
			word = example
		}
		argv = append(argv, word)
		if len(argv) == 2 && word == "__complete" {
			argv = append(argv, flags...)
		}
	}
	if !slices.Contains(argv, "__complete") {
		argv = append(argv, flags...)
	}
	r, err := trace.Run(t.Context(), dir, s.Dirs(), argv...)
	if errors.Is(err, trace.ErrNoStrace) && os.Getenv("CSTOR_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Err != nil {
		t.Errorf("%v: %s", r.Err, r.Output)
	}
	if len(r.Writes) > 0 {
		t.Errorf("%d calls that write, of %d:\n%s", len(r.Writes), r.Calls, strings.Join(r.Writes[:min(10, len(r.Writes))], "\n"))
	}
	if r.Reads == 0 && command != "version" {
		t.Errorf("no file of the store was opened in %d calls", r.Calls)
	}
}

// storeFlags returns the global flags that make cstor find the store: a storage.conf in dir.
func storeFlags(t *testing.T, s *corpus.Store, dir string) []string {
	t.Helper()
	conf := filepath.Join(dir, "storage.conf")
	if err := os.WriteFile(conf, []byte(s.Configuration()), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{"--storage-conf", conf}
}

// examples chooses an image with layers and a container of the store.
func examples(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	words := map[string]string{"IMAGE": "", "PLATFORM": "", "LAYER": "", "LINK": "", "CONTAINER": ""}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		layers, err := i.Layers()
		if err != nil || len(layers) < 2 || layers[0].DiffID() == "" {
			continue
		}
		config, raw, err := i.Config()
		if err != nil || raw == nil || config.OS == "" || config.Architecture == "" { // schema 1 has none of its own
			continue
		}
		words["IMAGE"], words["PLATFORM"], words["LAYER"] = i.ID(), config.OS+"/"+config.Architecture, layers[0].ID()
		for _, root := range s.Dirs() {
			if link, err := os.ReadFile(filepath.Join(root, "overlay", layers[0].ID(), "link")); err == nil {
				words["LINK"] = string(link)
			}
		}
	}
	for c, err := range st.Containers() {
		if err != nil {
			t.Fatal(err)
		}
		words["CONTAINER"] = c.ID()
	}
	return words
}

// cstorBinary builds the command once.
func cstorBinary(t *testing.T) string {
	t.Helper()
	path, err := buildCstor()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildCstor = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "cstor")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/cstor")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// commandsOf asks the command's shell completion for its commands.
func commandsOf(t *testing.T, binary string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "__complete", "").Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		name, _, _ := strings.Cut(sc.Text(), "\t")
		if name != "help" && name != "completion" && !strings.HasPrefix(name, ":") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("no commands in %q", out)
	}
	return names
}
