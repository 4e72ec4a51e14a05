package tarhead

import (
	"archive/tar"
	"maps"
	"slices"
	"testing"
)

// FuzzHeader: headers that archive/tar accepts are read alike, and a tar that it
// reads to the end is. Blocks that look like headers get a checksum that is right,
// which a fuzzer would hardly find.
func FuzzHeader(f *testing.F) {
	for _, data := range tars(f) {
		if len(data) < 20_000 {
			f.Add(data)
		}
	}
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatGNU, tar.FormatPAX} {
		f.Add(goTar(f, format))
	}
	f.Add(slices.Concat(extension(f, 'g', pairs("uid", "9", "size", "\xff7")), plain(f, "file"))) // archive/tar drops both
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		data = slices.Clone(data)
		for at := 0; at+BlockSize <= len(data); at += BlockSize {
			if b := data[at:]; b[257] == 'u' || b[sumStart+6] == 0 && b[sumStart+7] == ' ' {
				fix(b)
			}
		}
		compare(t, data, false)
	})
}

// FuzzPAX: records are read as archive/tar reads them; written anew they are the
// same; and their strings are no longer than their data.
func FuzzPAX(f *testing.F) {
	for _, data := range []string{
		pairs("path", "one", "uid", "5", "mtime", "-1.5", "SCHILY.xattr.user.a", "b\x00c"),
		pairs("GNU.sparse.size", "10", "GNU.sparse.numblocks", "1", "GNU.sparse.offset", "7", "GNU.sparse.numbytes", "3"),
		pairs("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "x"),
		pairs("comment", "c", "comment", ""), "000006 a=\n", "6 a=bc\n", "14 a=b\n6 c=d\n", "99999999999999999999 a=b\n", "5 =\n\n",
	} {
		f.Add(data)
	}
	file := plain(f, "file")
	f.Fuzz(func(t *testing.T, data string) {
		if len(data) > 64<<10 {
			return
		}
		var p pax
		if p.parse(data) == nil {
			var again pax
			text, n := p.write()
			if err := again.parse(text); err != nil || again.known != p.known || !maps.Equal(again.xattrs, p.xattrs) || !maps.Equal(again.other, p.other) {
				t.Fatalf("%q: %+v, written as %q: %+v, %v", data, p, text, again, err)
			}
			if n > len(data)+knownKeys*20 {
				t.Fatalf("%d bytes from %d", n, len(data))
			}
		}
		compare(t, slices.Concat(extension(t, 'x', data), file), false)
	})
}

// write makes data of p, and counts the bytes of its keys and values.
func (p *pax) write() (data string, n int) {
	var list []string
	for i, value := range p.known {
		if value != "" {
			list = append(list, keys[i], value)
		}
	}
	for key, value := range p.xattrs {
		list = append(list, xattrPrefix+key, value)
	}
	for key, value := range p.other {
		list = append(list, key, value)
	}
	for _, s := range list {
		n += len(s)
	}
	return pairs(list...), n
}
