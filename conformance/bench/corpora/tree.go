package corpora

import (
	"archive/tar"
	"maps"
	"math"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// entry of a tar.
type entry struct {
	name   string // without a slash at the end
	typ    byte   // tar.TypeReg and so on
	mode   int64
	size   int64
	kind   kind
	target string // of links
	owner  int    // user and group
	xattrs map[string]string
}

func file(name string, size int64, k kind) entry {
	return entry{name: name, typ: tar.TypeReg, mode: 0o644, size: size, kind: k}
}

func symlink(name, target string) entry {
	return entry{name: name, typ: tar.TypeSymlink, mode: 0o777, target: target}
}

// hardlink's name must come after its target's in the order of a walk.
func hardlink(name, target string) entry {
	return entry{name: name, typ: tar.TypeLink, mode: 0o755, target: target}
}

// tree adds the folders in which entries lie, and sorts all as those are who walk a tree: names in a folder in order, a
// folder's content after it. Of entries with the same name the last counts.
func tree(list []entry) []entry {
	all := map[string]entry{}
	for _, e := range list {
		all[e.name] = e
		for dir := path.Dir(e.name); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir]; ok {
				break
			}
			all[dir] = entry{name: dir, typ: tar.TypeDir, mode: 0o755}
		}
	}
	key := func(name string) string { return strings.ReplaceAll(name, "/", "\x00") }
	return slices.SortedFunc(maps.Values(all), func(a, b entry) int {
		return strings.Compare(key(a.name), key(b.name))
	})
}

// lognormal draws a size whose logarithm is normally distributed, as sizes of files are.
func lognormal(r *rand.Rand, median, mean float64, most int64) int64 {
	sigma := math.Sqrt(2 * math.Log(mean/median))
	return min(most, int64(median*math.Exp(sigma*r.NormFloat64())))
}

// pick draws one of several.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// name draws a pronounceable name of that many syllables.
func name(r *rand.Rand, syllables int) string {
	var b strings.Builder
	for range syllables {
		b.WriteByte(pick(r, []byte("bcdfglmnprstvz")...))
		b.WriteByte(pick(r, []byte("aeiou")...))
	}
	return b.String()
}
