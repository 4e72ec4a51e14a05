package tardiff

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestFields: each field of a header, by what it means or by how it is written.
func TestFields(t *testing.T) {
	t.Parallel()
	base := func(edit func(block []byte)) []byte {
		return newBuilder(t).raw('0', "f", "", edit).end(2)
	}
	put := func(at int, text string) []byte {
		return base(func(b []byte) { copy(b[at:], text) })
	}
	gnu := func(at int, text string) []byte {
		return base(func(b []byte) {
			copy(b[257:], "ustar  \x00")
			copy(b[345:], "00000000001\x0000000000001\x00")
			copy(b[at:], text)
		})
	}
	star := func(at int, text string) []byte {
		return base(func(b []byte) {
			copy(b[476:], "00000000001\x0000000000001\x00")
			copy(b[508:], "tar\x00")
			copy(b[at:], text)
		})
	}
	for _, c := range []pairCase{
		{name: "mode", a: put(100, "0000755\x00"), b: base(nil), want: []string{`field "f" mode 0@100:"0755" 0@100:"0644"`}},
		{name: "uid", a: base(nil), b: put(108, "0001750\x00"), want: []string{`field "f" uid 0@108:"0" 0@108:"1000"`}},
		{name: "gid", a: base(nil), b: put(116, "0001750\x00"), want: []string{`field "f" gid 0@116:"0" 0@116:"1000"`}},
		{name: "mtime", a: base(nil), b: put(136, "00000000012\x00"), want: []string{`field "f" mtime 0@136:"0" 0@136:"10"`}},
		{name: "a negative mtime", a: base(nil), b: put(136, strings.Repeat("\xff", 12)), want: []string{`field "f" mtime 0@136:"0" 0@136:"-1"`}},
		{name: "typeflag", a: base(nil), b: put(typeflag, "7"), want: []string{`field "f" typeflag 0@156:"0" 0@156:"7"`}},
		{name: "linkname", a: base(nil), b: put(157, "to"), want: []string{`field "f" linkname 0@157:"" 0@157:"to"`}},
		{name: "version", a: base(nil), b: put(263, "01"), want: []string{`field "f" version 0@263:"00" 0@263:"01"`}},
		{name: "uname", a: base(nil), b: put(265, "root"), want: []string{`field "f" uname 0@265:"" 0@265:"root"`}},
		{name: "gname", a: base(nil), b: put(297, "root"), want: []string{`field "f" gname 0@297:"" 0@297:"root"`}},
		{name: "devmajor", a: base(nil), b: put(329, "0000005\x00"), want: []string{`field "f" devmajor 0@329:"0" 0@329:"5"`}},
		{name: "devminor", a: base(nil), b: put(337, "0000005\x00"), want: []string{`field "f" devminor 0@337:"0" 0@337:"5"`}},
		{name: "unused", a: base(nil), b: put(500, "x"), want: []string{`field "f" unused 0@500:"` + strings.Repeat(`\x00`, 12) + `" 0@500:"x` + strings.Repeat(`\x00`, 11) + `"`}},
		{name: "magic", a: base(nil), b: put(257, "ustar  \x00"), want: []string{
			`field "f" magic 0@257:"ustar\x00" 0@257:"ustar "`, `field "f" version 0@263:"00" 0@263:" \x00"`,
		}},
		{name: "GNU atime", a: gnu(0, ""), b: gnu(345, "00000000012\x00"), want: []string{`field "f" atime 0@345:"1" 0@345:"10"`}},
		{name: "GNU ctime", a: gnu(0, ""), b: gnu(357, "00000000012\x00"), want: []string{`field "f" ctime 0@357:"1" 0@357:"10"`}},
		{name: "GNU offset", a: gnu(0, ""), b: gnu(369, "00000000012\x00"), want: []string{`field "f" offset 0@369:"0" 0@369:"10"`}},
		{name: "star atime", a: star(0, ""), b: star(476, "00000000012\x00"), want: []string{`field "f" atime 0@476:"1" 0@476:"10"`}},

		{name: "octal otherwise", a: base(nil), b: put(100, "000644 \x00"), want: []string{`encoding "f" mode 0@100:"0000644\x00" 0@100:"000644 \x00"`}},
		{name: "base-256", a: base(nil), b: put(108, "\x80\x00\x00\x00\x00\x00\x00\x00"), want: []string{
			`encoding "f" uid 0@108:"0000000\x00" 0@108:"\x80\x00\x00\x00\x00\x00\x00\x00"`,
		}},
		{name: "behind a NUL", a: base(nil), b: put(0, "f\x00x"), want: []string{
			`encoding "f" name 0@0:"f` + strings.Repeat(`\x00`, 99) + `" 0@0:"f\x00x` + strings.Repeat(`\x00`, 97) + `"`,
		}},
		{name: "checksum otherwise", a: base(nil), b: rewritten(base(nil), sumStart+6, " \x00"), want: []string{
			`encoding "f" chksum 0@148:"006103\x00 " 0@148:"006103 \x00"`,
		}},
		{name: "checksum of signed bytes", a: put(500, "\xff"), b: rewritten(put(500, "\xff"), sumStart, "006102"), want: []string{
			`field "f" chksum 0@148:"6502" 0@148:"6102"`,
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// rewritten is data with text at some place.
func rewritten(data []byte, at int, text string) []byte {
	data = bytes.Clone(data)
	copy(data[at:], text)
	return data
}

// TestRecords: what stands in extensions.
func TestRecords(t *testing.T) {
	t.Parallel()
	with := func(pairs ...string) []byte {
		return newBuilder(t).raw('x', "h", pax(pairs...), nil).raw('0', "f", "", nil).end(2)
	}
	global := func(pairs ...string) []byte {
		return newBuilder(t).raw('g', "h", pax(pairs...), nil).raw('0', "f", "", nil).end(2)
	}
	without := newBuilder(t).raw('0', "f", "", nil).end(2)
	gnu := func(flag byte, data string) []byte {
		return newBuilder(t).raw(flag, "././@LongLink", data, nil).raw('0', "f", "", nil).end(2)
	}
	value := strings.Repeat("v", 1000)
	for _, c := range []pairCase{
		{name: "changed", a: with("mtime", "1.5", "k", "v"), b: with("mtime", "1.7", "k", "v"), want: []string{`record "f" pax mtime 0@512:"1.5" 0@512:"1.7"`}},
		{name: "one more", a: with("a", "1", "c", "3"), b: with("a", "1", "b", "2", "c", "3"), want: []string{
			`field "f" pax size 0@124:"12" 0@124:"18"`, `record "f" pax b - 0@512:"2"`,
		}},
		{name: "other order", a: with("a", "1", "b", "2"), b: with("b", "2", "a", "1"), want: []string{
			`encoding "f" pax 0@512:"6 a=1\n6 b=2\n" 0@512:"6 b=2\n6 a=1\n"`,
		}},
		{name: "a long attribute", a: with("SCHILY.xattr.user.a", value+"x"), b: with("SCHILY.xattr.user.a", value+"y"), want: []string{
			`record "f" pax SCHILY.xattr.user.a 0@512:745+"` + value[:255] + `x"/1001 0@512:745+"` + value[:255] + `y"/1001`,
		}},
		{name: "of bytes", a: with("SCHILY.xattr.user.a", "\x00\xff"), b: with("SCHILY.xattr.user.a", "\x00\xfe"), want: []string{
			`record "f" pax SCHILY.xattr.user.a 0@512:"\x00\xff" 0@512:"\x00\xfe"`,
		}},
		{name: "no PAX header", a: with("a", "1", "b", "2"), b: without, want: []string{
			`record "f" pax a 0@0:"1" -`, `record "f" pax b 0@0:"2" -`,
		}},
		{name: "an empty PAX header", a: without, b: with(), want: []string{`record "f" pax - 0@0:""`}},
		{name: "its header's field", a: with("a", "1"), b: newBuilder(t).raw('x', "i", pax("a", "1"), nil).raw('0', "f", "", nil).end(2), want: []string{
			`field "f" pax name 0@0:"h" 0@0:"i"`,
		}},
		{name: "global", a: global("comment", "1"), b: global("comment", "2"), want: []string{`record "f" global comment 0@512:"1" 0@512:"2"`}},
		{name: "global or not", a: global("comment", "1"), b: with("comment", "1"), want: []string{
			`record "f" global comment 0@0:"1" -`, `record "f" pax comment - 0@0:"1"`,
		}},
		{name: "long name", a: gnu('L', "f\x00"), b: gnu('L', "f"), want: []string{
			`field "f" longname size 0@124:"2" 0@124:"1"`, `encoding "f" longname 0@512:"f\x00" 0@512:"f"`,
		}},
		{name: "long link", a: gnu('K', "one\x00"), b: gnu('K', "two\x00"), want: []string{`record "f" longlink 0@512:"one" 0@512:"two"`}},
		{name: "long name or PAX path", a: gnu('L', "f\x00"), b: with("path", "f"), want: []string{
			`record "f" longname 0@0:"f" -`, `record "f" pax path - 0@0:"f"`,
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestOrderOfExtensions: nothing of what they say differs, and they are not equal.
func TestOrderOfExtensions(t *testing.T) {
	t.Parallel()
	a := newBuilder(t).raw('x', "h", pax("a", "1"), nil).raw('L', "h", "f\x00", nil).raw('0', "f", "", nil).end(2)
	b := newBuilder(t).raw('L', "h", "f\x00", nil).raw('x', "h", pax("a", "1"), nil).raw('0', "f", "", nil).end(2)
	list, _, err := all(t, bytes.NewReader(a), bytes.NewReader(b), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Kind != KindEncoding || list[0].Record+list[0].Field != "" || list[0].A.Value == list[0].B.Value {
		t.Errorf("%q", briefs(list))
	}
}

// TestSparse: maps in headers and behind them.
func TestSparse(t *testing.T) {
	t.Parallel()
	old := func(length string) []byte {
		return newBuilder(t).raw('S', "f", "abc", func(b []byte) {
			copy(b[257:], "ustar  \x00")
			copy(b[386:], "00000000100\x0000000000003\x00")
			copy(b[483:], length+"\x00")
		}).end(2)
	}
	more := func(offset string) []byte {
		b := newBuilder(t).raw('S', "f", "", func(b []byte) {
			copy(b[257:], "ustar  \x00")
			copy(b[sizeStart:], "00000000003\x00")
			copy(b[386:], "00000000100\x0000000000001\x00")
			if offset == "" {
				copy(b[398:], "00000000003")
			}
			copy(b[483:], "00000010000\x00")
			b[482] = 1
		})
		block := make([]byte, blockSize)
		if offset != "" {
			copy(block, offset+"\x0000000000002\x00")
		}
		b.Write(block)
		b.WriteString("abc")
		b.Write(make([]byte, 509))
		return b.end(2)
	}
	pax00 := func(offset string) []byte {
		return newBuilder(t).raw('x', "h", pax(
			"GNU.sparse.size", "100", "GNU.sparse.numblocks", "2",
			"GNU.sparse.offset", "10", "GNU.sparse.numbytes", "1", "GNU.sparse.offset", offset, "GNU.sparse.numbytes", "2",
		), nil).raw('0', "f", "abc", nil).end(2)
	}
	for _, c := range []pairCase{
		{name: "real size", a: old("00000001000"), b: old("00000002000"), want: []string{`field "f" realsize 0@483:"512" 0@483:"1024"`}},
		{name: "map behind the header", a: more("00000000200"), b: more("00000000300"), want: []string{`record "f" sparse 0@512:"128+2" 0@512:"192+2"`}},
		{name: "map of a block of zeros", a: append(more("")[:1024:1024], "abc"...), b: append(more("")[:1024:1024], "abd"...), want: []string{`content "f" +2 0@1026:"c" 0@1026:"d"`}},
		{name: "version 0.0", a: pax00("20"), b: pax00("30"), want: []string{`record "f" pax GNU.sparse.offset 0@512:"10,20" 0@512:"10,30"`}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestFormats: the same file in the forms that archive/tar writes has one name, so
// that it is compared and not missing.
func TestFormats(t *testing.T) {
	t.Parallel()
	header := tar.Header{
		Name: strings.Repeat("directory/", 15) + "file", Typeflag: tar.TypeReg, Mode: 0o600, Uname: "root",
		ModTime: time.Unix(1700000000, 0),
	}
	var tars [][]byte
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatGNU, tar.FormatPAX} {
		if header.Format = format; format == tar.FormatPAX {
			header.PAXRecords = map[string]string{"comment": "long"}
		}
		tars = append(tars, newBuilder(t).entry(header, "content").end(2))
	}
	for i, a := range tars {
		for k, b := range tars {
			list, _, err := all(t, bytes.NewReader(a), bytes.NewReader(b), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if (len(list) == 0) != (i == k) {
				t.Errorf("%d and %d: %d differences", i, k, len(list))
			}
			for _, d := range list {
				if d.Name != header.Name || d.Kind == KindMissing || d.Kind == KindExtra || d.Kind == KindContent {
					t.Errorf("%d and %d: %s", i, k, brief(d))
				}
			}
		}
	}
}
