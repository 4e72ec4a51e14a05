package oracle

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// FuzzSparse: what FuzzTar says, of tars of sparse files, whose maps a fuzzer of bytes
// would not hit on. Of places, two bytes are the hole before a fragment, and its length.
func FuzzSparse(f *testing.F) {
	for version := range byte(4) {
		f.Add(version, []byte{0, 3, 5, 2}, uint16(100), uint16(0))
		f.Add(version, []byte{0, 0, 3, 0, 0, 9, 0, 9, 200, 0}, uint16(0), uint16(0))
		f.Add(version, bytes.Repeat([]byte{3, 250}, 90), uint16(9), uint16(700))
		f.Add(version, []byte{}, uint16(50), uint16(0))
		f.Add(version, []byte{}, uint16(0), uint16(0))
	}
	f.Fuzz(func(t *testing.T, version byte, places []byte, rest, cut uint16) {
		var fragments [][2]int
		size, length := 0, 0
		for ; len(places) >= 2; places = places[2:] {
			size += int(places[0])
			fragments = append(fragments, [2]int{size, int(places[1])})
			size += int(places[1])
			length += int(places[1])
		}
		size += int(rest)
		tar := sparseOf(version%4, fragments, size, length)
		for i := range length {
			tar = append(tar, byte(i)|1)
		}
		tar = append(tar, make([]byte, -length&511)...)
		tar = append(tar, entry("next", '0', 3)...)
		tar = append(append(tar, "abc"...), make([]byte, 509+1024)...)
		tar = tar[:max(0, len(tar)-int(cut))]
		if !rebuild(t, tar) && cut == 0 {
			t.Fatal("tar-split refuses it")
		}
	})
}

// sparseOf is what stands before the data of a sparse file, in any form.
func sparseOf(version byte, fragments [][2]int, size, length int) []byte {
	numbers := strings.NewReplacer("[", "", "]", "", " ", ",").Replace(fmt.Sprint(fragments))
	switch version {
	case 0:
		list := []string{"GNU.sparse.size", fmt.Sprint(size), "GNU.sparse.numblocks", fmt.Sprint(len(fragments))}
		for _, f := range fragments {
			list = append(list, "GNU.sparse.offset", fmt.Sprint(f[0]), "GNU.sparse.numbytes", fmt.Sprint(f[1]))
		}
		return append(records(list...), entry("f", '0', int64(length))...)
	case 1:
		return sparse01("f", numbers, size, length)
	case 2:
		text := fmt.Sprintln(len(fragments))
		if len(fragments) > 0 {
			text += strings.ReplaceAll(numbers, ",", "\n") + "\n"
		}
		text += strings.Repeat("\x00", -len(text)&511)
		return append(sparse10("f", size, len(text)+length), text...)
	}
	head := entry("f", 'S', int64(length))
	copy(head[257:], "ustar  \x00")
	copy(head[483:], fmt.Sprintf("%011o", size))
	tar, places, room := head, head[386:], 4
	for {
		n := min(room, len(fragments))
		for i, f := range fragments[:n] {
			copy(places[24*i:], fmt.Sprintf("%011o\x00%011o", f[0], f[1]))
		}
		if fragments = fragments[n:]; len(fragments) == 0 {
			break
		}
		places[24*room] = 1
		tar = append(tar, make([]byte, 512)...)
		places, room = tar[len(tar)-512:], 21
	}
	repair(tar[:512])
	return tar
}
