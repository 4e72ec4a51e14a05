package driver

import (
	"fmt"
	"io/fs"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseOverride(t *testing.T) {
	t.Parallel()
	char := fs.ModeDevice | fs.ModeCharDevice
	cases := []struct {
		value string
		want  override
		bad   bool
	}{
		{value: "0:0:0644", want: override{mode: 0o644}},
		{value: "1000:33:4755", want: override{uid: 1000, gid: 33, mode: 0o4755}},
		{value: "4294967295:4294967295:7777:file", want: override{uid: 1<<32 - 1, gid: 1<<32 - 1, mode: 0o7777, typed: true}},
		{value: "0:0:0755:dir", want: override{mode: 0o755, typ: fs.ModeDir, typed: true}},
		{value: "0:0:0777:symlink", want: override{mode: 0o777, typ: fs.ModeSymlink, typed: true}},
		{value: "0:0:0600:pipe", want: override{mode: 0o600, typ: fs.ModeNamedPipe, typed: true}},
		{value: "0:0:0600:socket", want: override{mode: 0o600, typ: fs.ModeSocket, typed: true}},
		{value: "0:6:0660:block-7-0", want: override{gid: 6, mode: 0o660, typ: fs.ModeDevice, typed: true, major: 7}},
		{value: "0:0:0666:char-1-3", want: override{mode: 0o666, typ: char, typed: true, major: 1, minor: 3}},
		{value: "0:0:0666:char-1-3-more:and more", want: override{mode: 0o666, typ: char, typed: true, major: 1, minor: 3}},
		{value: "0:0:0644:file-more", want: override{mode: 0o644, typed: true}},
		{value: "0:0:100644", want: override{mode: 0o644, typed: true}},
		{value: "0:0:040755", want: override{mode: 0o755, typ: fs.ModeDir, typed: true}},
		{value: "0:0:20666", want: override{mode: 0o666, typ: char, typed: true}},
		{value: "0:0:100600:pipe", want: override{mode: 0o600, typ: fs.ModeNamedPipe, typed: true}},

		{value: "", bad: true},
		{value: "0:0", bad: true},
		{value: "::", bad: true},
		{value: "-1:0:0644", bad: true},
		{value: "+1:0:0644", bad: true},
		{value: "4294967296:0:0644", bad: true},
		{value: "0:0:0888", bad: true},
		{value: "0:0:0o644", bad: true},
		{value: "0:0:644\n", bad: true},
		{value: "0:0:030000", bad: true},
		{value: "0:0:200644", bad: true},
		{value: "0:0:0644:", bad: true},
		{value: "0:0:0644:door", bad: true},
		{value: "0:0:0644:char", bad: true},
		{value: "0:0:0644:char-1", bad: true},
		{value: "0:0:0644:char-1-x", bad: true},
		{value: "0:0:0644:char--1-3", bad: true},
		{value: "0:0:0644:char-4294967296-3", bad: true},
	}
	for _, c := range cases {
		got, err := parseOverride(c.value)
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.value, got, err, c.want)
		}
	}
}

// formatOverride writes what parseOverride reads, as
// storage/pkg/idtools/idtools.go:FormatContainersOverrideXattrDevice.
func formatOverride(o override) string {
	s := fmt.Sprintf("%d:%d:%04o", o.uid, o.gid, o.mode)
	if !o.typed {
		return s
	}
	for name, typ := range overrideTypes {
		if typ != o.typ {
			continue
		}
		if s += ":" + name; typ&fs.ModeDevice != 0 {
			s += fmt.Sprintf("-%d-%d", o.major, o.minor)
		}
	}
	return s
}

// overrideText is what parseOverride takes but for the ranges of numbers.
var overrideText = regexp.MustCompile(`(?s)^([0-9]+):([0-9]+):([0-7]+)(?::(file|dir|symlink|pipe|socket|(?:block|char)-([0-9]+)-([0-9]+))(?:-[^:]*)?(?::.*)?)?$`)

// plainOverride is a second opinion on a value: ok is false if it is none.
func plainOverride(value string) (o override, ok bool) {
	m := overrideText.FindStringSubmatch(value)
	if m == nil {
		return override{}, false
	}
	var numbers [4]uint32
	for n, text := range []string{m[1], m[2], m[5], m[6]} {
		v, ok := new(big.Int).SetString("0"+text, 10)
		if !ok || v.BitLen() > 32 {
			return override{}, false
		}
		numbers[n] = uint32(v.Uint64())
	}
	mode, _ := new(big.Int).SetString(m[3], 8)
	types := map[string]fs.FileMode{
		"1": fs.ModeNamedPipe, "2": fs.ModeDevice | fs.ModeCharDevice, "4": fs.ModeDir, "6": fs.ModeDevice, "10": 0, "12": fs.ModeSymlink, "14": fs.ModeSocket,
		"file": 0, "dir": fs.ModeDir, "symlink": fs.ModeSymlink, "pipe": fs.ModeNamedPipe, "socket": fs.ModeSocket,
		"block": fs.ModeDevice, "char": fs.ModeDevice | fs.ModeCharDevice,
	}
	o = override{uid: numbers[0], gid: numbers[1], mode: uint32(mode.Uint64() % 0o10000), major: numbers[2], minor: numbers[3]}
	if high := new(big.Int).Rsh(mode, 12).Text(8); high != "0" {
		if o.typ, o.typed = types[high]; !o.typed {
			return override{}, false
		}
	}
	if kind, _, _ := strings.Cut(m[4], "-"); kind != "" {
		o.typ, o.typed = types[kind], true
	}
	return o, true
}

// FuzzOverride: what is accepted, and nothing else, has the form that its writers
// give it; written out, it is read as the same again; and it changes neither what is
// no file nor the kind of a directory.
func FuzzOverride(f *testing.F) {
	for _, s := range []string{
		"0:0:0644", "1:2:4755:file", "0:6:0660:block-7-0", "0:0:20666", "0:0:0600:pipe:", "::", "0:0:0:char--", "0:0:0:char-1-3-x:y",
		"4294967295:4294967296:0", "4294967296:0:0", "0:0:177777", "0:0:140000:dir", "0:0:200000", "0:0:0:block-4294967296-0", "00:0:00000000000644:socket-", "0:0:0:symlink",
		"0:0:7000", "0:0:60000:", "0:0:10000", "0:0:0:char",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		o, err := parseOverride(value)
		if want, ok := plainOverride(value); ok != (err == nil) || o != want {
			t.Errorf("%q: %+v, %v; want %+v, %v", value, o, err, want, ok)
		}
		if err != nil {
			return
		}
		if again, err := parseOverride(formatOverride(o)); err != nil || again != o {
			t.Errorf("%q: %+v, then %+v, %v", value, o, again, err)
		}
		for _, typ := range []uint32{unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK, unix.S_IFCHR} {
			n := Node{Mode: typeOf(typ)}
			err := n.override(value)
			if n.Mode.IsDir() != (typ == unix.S_IFDIR) || n.Mode.Type() == fs.ModeSymlink != (typ == unix.S_IFLNK) {
				t.Errorf("%v became %v, %v", typeOf(typ), n.Mode, err)
			}
			applies := err == nil && (typ == unix.S_IFREG || typ == unix.S_IFDIR)
			if got := (override{uint32(n.UID), uint32(n.GID), o.mode, n.Mode.Type(), o.typed, n.DevMajor, n.DevMinor}); applies && o.typed && got != o || applies && n.Mode&fs.ModePerm != fs.FileMode(o.mode&0o777) {
				t.Errorf("%q: %v became %+v, %v", value, typeOf(typ), n, err)
			}
		}
	})
}
