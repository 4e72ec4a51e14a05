package corpora

import (
	"fmt"
	"math/rand/v2"
)

// modules makes the modules of a web application, with that many files.
func modules(app, files int) func(*rand.Rand) []entry {
	return func(r *rand.Rand) []entry {
		list := make([]entry, 0, files+files/20)
		base := fmt.Sprintf("srv/app%d/node_modules", app)
		for made := 0; made < files; {
			module := name(r, 2+r.IntN(3)) + "-" + name(r, 2)
			root := base + "/" + module
			switch r.IntN(8) {
			case 0:
				root = base + "/@" + name(r, 2) + "/" + module
			case 1: // a dependency's dependency of its own
				root = base + "/" + name(r, 3) + "/node_modules/" + module
			case 2:
				list = append(list, symlink(base+"/.bin/"+module, "../"+module+"/bin/cli.js"))
			}
			dirs := []string{root}
			for range 1 + r.IntN(9) {
				dirs = append(dirs, pick(r, dirs...)+"/"+pick(r, "src", "lib", "dist", "test", "utils", "internal", "types", "esm", "cjs"))
			}
			n := min(files-made, 10+r.IntN(110))
			for i := range n {
				size := lognormal(r, 1200, 3000, 200_000)
				if r.IntN(100) == 0 {
					size = 0
				}
				list = append(list, file(fmt.Sprintf("%s/%s%d%s", pick(r, dirs...), name(r, 3), i,
					pick(r, ".js", ".js", ".js", ".ts", ".d.ts", ".json", ".md", ".map", ".css", "")), size, text))
			}
			made += n
		}
		return list
	}
}
