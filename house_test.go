package cstor_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cstor-go/cstor"

// storeys of the house, by folder; a package imports those of its own storey and of
// lower ones (docs/ARCHITECTURE.md). internal packages stand in the basement, but for
// relay, which answers for driver.
var storeys = map[string]int{
	"cmd/cstor":    4,
	"cmd/tar-diff": 4,

	"imagefs":   3,
	"changes":   3,
	"extract":   3,
	"ocisource": 3,
	"ocicopy":   3,

	"ocicopy/registry": 3,

	".":              2, // the store
	"libpoddb":       2,
	"userns":         2,
	"internal/relay": 2,
	"driver":         2,

	"tarsplit": 1,
	"merge":    1,
	"toc":      1,
	"tardiff":  1,

	"internal/ondisk":      0,
	"internal/storageconf": 0,
	"internal/beneath":     0,
	"internal/transfer":    0,
	"internal/idmap":       0,

	"internal/jsonscan": -1,
	"internal/tarhead":  -1,

	"internal/decompress": -1,
}

// sameStorey lists what packages of one storey may see of each other.
var sameStorey = map[string][]string{
	".":              {"driver"},
	"libpoddb":       {"."},
	"userns":         {"driver", "internal/relay"},
	"internal/relay": {"driver"},
	// Directories that no header names are as the disk has them.
	"extract": {"imagefs"},
	// What layers below a container's show.
	"changes": {"imagefs"},
	"ocicopy": {"ocisource"},
	// A registry is one of the destinations, and the only one that brings a client along.
	"ocicopy/registry": {"ocicopy", "ocisource"},
	// Entries of tars are what other formats are made of.
	"merge": {"tarsplit"},
	"toc":   {"tarsplit"},
}

// helpers are for tests and examples alone.
var helpers = []string{"internal/storetest", "internal/storetest/mkstore", "internal/storetest/poddb", "internal/registrytest"}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, out)
	}
	return strings.Fields(string(out))
}

func room(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// TestArrows: imports go down, and a package that nobody placed has no place.
func TestArrows(t *testing.T) {
	t.Parallel()
	for _, line := range goList(t, "-f", `{{.ImportPath}}={{join .Imports ","}}`, "./...") {
		path, imports, _ := strings.Cut(line, "=")
		from := room(path)
		if slices.Contains(helpers, from) {
			continue
		}
		level, ok := storeys[from]
		if !ok {
			t.Errorf("package %s has no storey: place it in house_test.go and docs/ARCHITECTURE.md", from)
			continue
		}
		for other := range strings.SplitSeq(imports, ",") {
			if !strings.HasPrefix(other, module) {
				continue
			}
			to := room(other)
			switch {
			case slices.Contains(helpers, to):
				t.Errorf("%s imports %s, which is for tests", from, to)
			case level == 4 && strings.HasPrefix(to, "internal/"):
				t.Errorf("%s imports %s: a command sees what every user of the library sees", from, to)
			case level == 1 || level == 0:
				if storeys[to] >= level && !slices.Contains(sameStorey[from], to) {
					t.Errorf("%s imports %s: formats and plumbing import neither each other nor a store", from, to)
				}
			case storeys[to] > level, storeys[to] == level && !slices.Contains(sameStorey[from], to):
				t.Errorf("%s imports %s: arrows go down", from, to)
			}
		}
	}
}

// TestModulesOfTheLibrary: who imports package cstor links these modules and no
// other.
func TestModulesOfTheLibrary(t *testing.T) {
	t.Parallel()
	want := []string{
		"github.com/BurntSushi/toml",
		module,
		"github.com/distribution/reference",
		"github.com/klauspost/compress",
		"github.com/opencontainers/go-digest",
		"github.com/opencontainers/image-spec",
		"golang.org/x/sys",
	}
	have := map[string]bool{}
	for _, m := range goList(t, "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".") {
		have[m] = true
	}
	if got := slices.Sorted(maps.Keys(have)); !slices.Equal(got, want) {
		t.Errorf("linked modules:\n got %v\nwant %v", got, want)
	}
	// Nor anything that brings cgo along where there is a C compiler.
	for _, p := range goList(t, "-deps", ".") {
		if p == "os/user" || p == "net" {
			t.Errorf("package cstor links %s", p)
		}
	}
}

// TestPackageComments: each package has one, in its own words, in one file.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		if count[dir] += 0; file.Doc != nil {
			count[dir]++
			if want := "Package " + file.Name.Name + " "; file.Name.Name != "main" && !strings.HasPrefix(file.Doc.Text(), want) {
				t.Errorf("%s: the comment should begin with %q", path, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, n := range count {
		if n != 1 {
			t.Errorf("%s: %d package comments", dir, n)
		}
	}
}
