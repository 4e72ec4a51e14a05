package corpora

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
)

// packages makes the files of packages of a distribution, as many of them as have that many files.
func packages(files int) func(*rand.Rand) []entry {
	return func(r *rand.Rand) []entry {
		var list []entry
		for left := files; left > 0; {
			p := pack{Rand: r, name: name(r, 2+r.IntN(3))}
			pick(r, p.library, p.headers, p.python, p.python, p.perl, p.locales, p.tools)()
			p.documentation()
			list, left = append(list, p.list...), left-p.files
		}
		return list
	}
}

// changed is a layer upon others: new packages, some files of the lowest layer replaced, and some of its folders removed or
// emptied. lowest must be what made that layer.
func changed(lowest, packages func(*rand.Rand) []entry) func(*rand.Rand) []entry {
	return func(r *rand.Rand) []entry {
		list := packages(r)
		seen := map[string]bool{}
		for i, e := range lowest(rand.New(rand.NewPCG(1<<32, 0))) {
			dir := path.Dir(e.name)
			switch {
			case strings.HasPrefix(e.name, "usr/share/doc/") && !seen[dir] && len(seen) < 300:
				seen[dir] = true
				if len(seen)%10 == 0 {
					list = append(list, file(dir+"/.wh..wh..opq", 0, text), file(dir+"/copyright", 2000, text))
				} else {
					list = append(list, file(path.Dir(dir)+"/.wh."+path.Base(dir), 0, text))
				}
			case i%100 == 0 && strings.HasPrefix(e.name, "usr/lib/python3/"):
				list = append(list, e)
			}
		}
		return list
	}
}

// pack is a package that is being made.
type pack struct {
	*rand.Rand
	name  string
	list  []entry
	files int // how many of the list are regular files
}

// put adds a file of a size as it is common; executables are mixed content.
func (p *pack) put(k kind, format string, args ...any) *entry {
	size := lognormal(p.Rand, 3000, 16_000, 48<<20)
	p.list = append(p.list, file(fmt.Sprintf(format, args...), size, k))
	p.files++
	return &p.list[len(p.list)-1]
}

func (p *pack) documentation() {
	p.put(text, "usr/share/doc/%s/copyright", p.name)
	p.put(random, "usr/share/doc/%s/changelog.Debian.gz", p.name)
	p.put(text, "var/lib/dpkg/info/%s.list", p.name)
	p.put(text, "var/lib/dpkg/info/%s.md5sums", p.name)
	for range p.IntN(8) {
		p.put(text, "usr/share/doc/%s/examples/%s/%s.txt", p.name, name(p.Rand, 2), name(p.Rand, 3))
	}
	if p.IntN(10) == 0 {
		p.list = append(p.list, symlink("usr/share/doc/"+p.name+"-common", p.name))
	}
}

func (p *pack) library() {
	for range 1 + p.IntN(4) {
		so := fmt.Sprintf("lib%s.so.%d", name(p.Rand, 3), p.IntN(9))
		p.put(mixed, "usr/lib/x86_64-linux-gnu/%s.%d.%d", so, p.IntN(9), p.IntN(30))
		p.list = append(p.list, symlink("usr/lib/x86_64-linux-gnu/"+so, path.Base(p.list[len(p.list)-1].name)))
	}
	for range p.IntN(12) {
		p.put(mixed, "usr/lib/x86_64-linux-gnu/%s/plugins/%s.so", p.name, name(p.Rand, 3))
	}
}

func (p *pack) headers() {
	for range 5 + p.IntN(60) {
		p.put(text, "usr/include/%s/%s/%s.h", p.name, pick(p.Rand, "core", "detail", "impl", "ext"), name(p.Rand, 3))
	}
	p.put(text, "usr/lib/x86_64-linux-gnu/pkgconfig/%s.pc", p.name)
}

func (p *pack) python() {
	dirs := []string{"usr/lib/python3/dist-packages/" + p.name}
	for range p.IntN(6) {
		dirs = append(dirs, pick(p.Rand, dirs...)+"/"+name(p.Rand, 2))
	}
	for _, dir := range dirs {
		p.put(text, "%s/__init__.py", dir)
	}
	for range 5 + p.IntN(50) {
		module, dir := name(p.Rand, 3), pick(p.Rand, dirs...)
		p.put(text, "%s/%s.py", dir, module)
		if p.IntN(3) == 0 {
			p.put(mixed, "%s/__pycache__/%s.cpython-311.pyc", dir, module)
		}
	}
	p.put(text, "usr/lib/python3/dist-packages/%s-%d.%d.egg-info/PKG-INFO", p.name, p.IntN(9), p.IntN(30))
}

func (p *pack) perl() {
	for range 5 + p.IntN(40) {
		p.put(text, "usr/share/perl5/%s/%s/%s.pm", p.name, name(p.Rand, 2), name(p.Rand, 3))
	}
}

func (p *pack) locales() {
	for range 5 + p.IntN(40) {
		p.put(text, "usr/share/locale/%s/LC_MESSAGES/%s.mo", pick(p.Rand, "ca", "cs", "da", "de", "el", "es", "eu", "fi", "fr", "gl", "hu", "id",
			"it", "ja", "ko", "nb", "nl", "pl", "pt", "pt_BR", "ro", "ru", "sk", "sl", "sr@latin", "sv", "tr", "uk", "vi", "zh_CN", "zh_TW"), p.name)
	}
}

func (p *pack) tools() {
	for range 1 + p.IntN(10) {
		tool := name(p.Rand, 2+p.IntN(2))
		bin := p.put(mixed, "usr/%s/%s", pick(p.Rand, "bin", "sbin"), tool)
		bin.mode = pick[int64](p.Rand, 0o755, 0o755, 0o755, 0o4755)
		switch p.IntN(12) {
		case 0: // the capability cap_net_raw=ep, as vfs_cap_data in revision 2
			bin.xattrs = map[string]string{"security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00" + strings.Repeat("\x00", 12)}
		case 1:
			bin.xattrs = map[string]string{"user.origin": "package " + p.name}
		case 2:
			p.list = append(p.list, hardlink(bin.name+"-1.0", bin.name))
		}
		p.put(random, "usr/share/man/man%d/%s.1.gz", pick(p.Rand, 1, 1, 1, 5, 8), tool)
	}
	p.put(text, "etc/%s/%s.conf", p.name, p.name)
	state := p.put(text, "var/lib/%s/state", p.name)
	state.mode, state.owner = 0o600, 100+p.IntN(20)
}
