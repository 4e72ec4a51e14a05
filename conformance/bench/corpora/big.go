package corpora

import (
	"fmt"
	"math/rand/v2"
	"path"
)

// data makes 1 GiB in that many files, and a link to the first.
func data(files int, k kind, prefix, suffix string) func(*rand.Rand) []entry {
	return func(*rand.Rand) []entry {
		var list []entry
		for i := range files {
			list = append(list, file(fmt.Sprintf("%s%d%s", prefix, i+1, suffix), 1<<30/int64(files), k))
		}
		return append(list, symlink(prefix+"-latest", fmt.Sprintf("%s1%s", path.Base(prefix), suffix)))
	}
}
