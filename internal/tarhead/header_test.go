package tarhead

import (
	"archive/tar"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestBlocks: single headers of every form, compared with archive/tar.
func TestBlocks(t *testing.T) {
	t.Parallel()
	const field = 8
	base := func(format tar.Format) tar.Header {
		return tar.Header{Name: "name", Linkname: "target", Typeflag: tar.TypeSymlink, Mode: 0o7644, Uid: 1000, Gid: 7, Uname: "user", Gname: "group", ModTime: time.Unix(1e9, 0), Format: format}
	}
	magic := func(s string) func(b []byte) { return func(b []byte) { copy(b[257:265], s) } }
	set := func(at int, s string) func(b []byte) { return func(b []byte) { copy(b[at:], s) } }
	for name, test := range map[string]struct {
		format tar.Format
		change func(b []byte)
	}{
		"ustar":                   {tar.FormatUSTAR, nil},
		"GNU":                     {tar.FormatGNU, nil},
		"v7":                      {tar.FormatUSTAR, magic("\x00\x00\x00\x00\x00\x00\x00\x00")},
		"GNU with an odd version": {tar.FormatGNU, magic("ustar  x")},
		"ustar with odd version":  {tar.FormatUSTAR, magic("ustar\x00xx")},
		"full name":               {tar.FormatUSTAR, set(0, strings.Repeat("n", 100))},
		"full name and prefix":    {tar.FormatUSTAR, func(b []byte) { copy(b, strings.Repeat("n", 100)); copy(b[345:], strings.Repeat("p", 155)) }},
		"full link":               {tar.FormatUSTAR, set(157, strings.Repeat("l", 100))},
		"full owners":             {tar.FormatUSTAR, set(265, strings.Repeat("o", 64))},
		"not UTF-8":               {tar.FormatUSTAR, func(b []byte) { copy(b, "\xff\xfe"); copy(b[265:], "\xe9"); copy(b[345:], "\x80") }},
		"no name":                 {tar.FormatUSTAR, set(0, "\x00")},
		"prefix in v7":            {tar.FormatUSTAR, func(b []byte) { magic("\x00")(b); copy(b[345:], "prefix") }},
		"prefix in GNU":           {tar.FormatGNU, set(345, "pre/fix")},
		"wild prefix in GNU":      {tar.FormatGNU, set(345, "pr\xe9")},
		"GNU times":               {tar.FormatGNU, set(345, "00000000001\x0000000000002\x00")},
		"GNU change time":         {tar.FormatGNU, set(357, "00000000002\x00")},
		"GNU time is broken":      {tar.FormatGNU, set(345, "00000000001\x00nonsense")},
		"GNU time before 1970":    {tar.FormatGNU, set(345, strings.Repeat("\xff", 12))},
		"star": {tar.FormatUSTAR, func(b []byte) {
			copy(b[345:], strings.Repeat("p", 131))
			copy(b[476:], "00000000001\x0000000000002\x00")
			copy(b[508:], "tar\x00")
		}},
		"star without times":      {tar.FormatUSTAR, set(508, "tar\x00")},
		"numbers with blanks":     {tar.FormatUSTAR, set(100, "   755 \x00")},
		"numbers without end":     {tar.FormatUSTAR, set(100, "00000755")},
		"empty numbers":           {tar.FormatUSTAR, set(100, strings.Repeat("\x00", 3*field))},
		"blank numbers":           {tar.FormatUSTAR, set(100, strings.Repeat(" ", 3*field))},
		"number cut by NUL":       {tar.FormatUSTAR, set(108, "12\x00junk\x00")},
		"base-256":                {tar.FormatUSTAR, set(108, "\x80\x00\x00\x00\xff\xff\xff\xff")},
		"base-256, negative":      {tar.FormatUSTAR, set(136, strings.Repeat("\xff", 11)+"\x9c")},
		"base-256, great":         {tar.FormatUSTAR, set(136, "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")},
		"base-256, least":         {tar.FormatUSTAR, set(136, "\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\x00\x00")},
		"base-256, sign bit only": {tar.FormatUSTAR, set(108, "\xc0\x00\x00\x00\x00\x00\x00\x00")},
		"device in GNU":           {tar.FormatGNU, set(329, "0000377\x000000001\x00")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := test.change
			if change == nil {
				change = func([]byte) {}
			}
			compare(t, block(t, base(test.format), change), true)
		})
	}
}

func TestValidChecksum(t *testing.T) {
	t.Parallel()
	b := block(t, tar.Header{Name: strings.Repeat("\xff", 50), Typeflag: tar.TypeReg, Format: tar.FormatGNU}, nil)
	if !ValidChecksum(b) {
		t.Error("unsigned sum")
	}
	sum, ok := octal(b[sumStart:sumEnd])
	if !ok {
		t.Fatal("no sum")
	}
	for what, test := range map[string]struct {
		text string
		want bool
	}{
		"signed":          {fmt.Sprintf("%06o\x00 ", sum-50*256), true},
		"blanks in front": {fmt.Sprintf("%7o\x00", sum), true},
		"no end":          {fmt.Sprintf("%08o", sum), true},
		"one more":        {fmt.Sprintf("%06o\x00 ", sum+1), false},
		"one more signed": {fmt.Sprintf("%06o\x00 ", sum-50*256+1), false},
		"no number":       {"checksum", false},
		"none":            {strings.Repeat("\x00", 8), false},
		"base-256":        {"\x80\x00\x00\x00\x00\x00" + string([]byte{byte(sum >> 8), byte(sum)}), false},
	} {
		copy(b[sumStart:], test.text)
		if ValidChecksum(b) != test.want {
			t.Errorf("%s: %v", what, !test.want)
		}
	}
	full := []byte(strings.Repeat("\xff", BlockSize)) // no lane may overflow
	fix(full)
	if !ValidChecksum(full) {
		t.Error("the greatest sum")
	}
}

// TestOwnersAreShared: one string for all entries, and no memory for a tar of owners.
func TestOwnersAreShared(t *testing.T) {
	var n names
	for i := range 100_000 {
		if s := fmt.Sprint(i); n.get([]byte(s)) != s {
			t.Fatal(s)
		}
	}
	if len(n.seen) > 256 {
		t.Errorf("%d names are kept", len(n.seen))
	}
	one := []byte("7")
	if got := testing.AllocsPerRun(100, func() { n.get(one) }); got != 0 {
		t.Errorf("%v allocations for a known name", got)
	}
}
