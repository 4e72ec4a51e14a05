package storetest

import (
	"errors"
	"fmt"
)

// Many describes a store with many records, for benchmarks of listing: layers
// are spread over images as chains, at least one each. Trees are tiny, but
// everything is there: tar-splits, manifests, configs, sizes, several names
// for every tenth image.
func Many(images, layers int) (Spec, error) {
	if images < 1 || layers < images {
		return Spec{}, errors.New("want at least one image, and a layer for each")
	}
	var s Spec
	for i := range images {
		first, next := i*layers/images, (i+1)*layers/images
		parent := ""
		for n := first; n < next; n++ {
			l := Layer{Name: fmt.Sprintf("layer-%d", n), Parent: parent, Compression: "gzip"}
			text := fmt.Sprintf("layer %d of image %d\n", n, i)
			l.Entries = []Entry{
				Dir("etc", 0o755),
				File(fmt.Sprintf("etc/%d", n), 0o644, text).Owned(n%7*100, n%3*100),
			}
			s.Layers = append(s.Layers, l)
			parent = l.Name
		}
		name := fmt.Sprintf("registry.example.com/team-%d/app-%d", i%20, i)
		img := Image{
			Names:  []string{name + ":latest"},
			Layer:  parent,
			Env:    []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd:    []string{"/bin/app", "--serve"},
			Labels: map[string]string{"org.opencontainers.image.version": fmt.Sprintf("1.%d", i)},
		}
		if i%10 == 0 {
			img.Names = append(img.Names, fmt.Sprintf("%s:1.%d", name, i))
		}
		s.Images = append(s.Images, img)
	}
	return s, nil
}
