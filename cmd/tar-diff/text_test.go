package main

import (
	"testing"

	"github.com/cstor-go/cstor/tardiff"
)

// TestDescribe: what is printed of kinds that no session meets.
func TestDescribe(t *testing.T) {
	t.Parallel()
	side := func(offset int64, value string) tardiff.Side {
		return tardiff.Side{Offset: offset, Value: value, Length: int64(len(value))}
	}
	none := tardiff.Side{Offset: -1, Entry: -1}
	for _, c := range []struct {
		name string
		d    tardiff.Difference
		want string
	}{
		{"encoding", tardiff.Difference{Kind: tardiff.KindEncoding, Field: "mode", A: side(100, "0000644\x00"), B: side(100, "000644 \x00")}, `mode "0000644\x00" -> "000644 \x00"`},
		{"encoding of all", tardiff.Difference{Kind: tardiff.KindEncoding, A: side(0, "a"), B: side(0, "b")}, `"a" -> "b"`},
		{"field of an extension", tardiff.Difference{Kind: tardiff.KindField, Record: "pax", Field: "name", A: side(0, "1"), B: side(0, "2")}, `pax name "1" -> "2"`},
		{"time out of range", tardiff.Difference{Kind: tardiff.KindField, Field: "mtime", A: side(0, "0"), B: side(0, "9999999999999")}, `mtime 1970-01-01T00:00:00Z -> 9999999999999`},
		{"hostile key", tardiff.Difference{Kind: tardiff.KindRecord, Record: "pax", Field: "\x1b", A: none, B: side(0, "")}, `"pax \x1b" none -> ""`},
		{"long value", tardiff.Difference{Kind: tardiff.KindRecord, Record: "longname", A: tardiff.Side{Value: "abc", Start: 5, Length: 10}, B: side(0, "x")}, `longname ..."abc"... -> "x"`},
		{"bytes", tardiff.Difference{Kind: tardiff.KindContent, ContentOffset: 3, A: side(515, "\x00\x01"), B: side(1027, "\x00")}, `from byte 3 (at 515 -> 1027) 00 01 -> 00`},
		{"padding", tardiff.Difference{Kind: tardiff.KindPadding, A: side(1000, "\x00"), B: side(1000, "x")}, `(at 1000) 00 -> "x"`},
		{"padding of an extension", tardiff.Difference{Kind: tardiff.KindPadding, Record: "pax", A: side(1000, "\x00"), B: side(1000, "x")}, `pax (at 1000) 00 -> "x"`},
		{"odd zeros", tardiff.Difference{Kind: tardiff.KindTrailer, Field: "zeros", A: side(1000, "1024"), B: side(1000, "513")}, `zeros behind the last entry 2 blocks -> 513 bytes`},
		{"garbage", tardiff.Difference{Kind: tardiff.KindTrailer, Field: "data", A: none, B: side(2048, "x")}, `data behind those zeros (at 2048) none -> "x"`},
		{"not found", tardiff.Difference{Kind: tardiff.KindStream, A: none, B: none}, "the archives differ, in a way that was not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := describe(&c.d); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}
