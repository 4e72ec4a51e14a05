package toc

import (
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/go-digest"
)

// table is a whole one for encoding/json, with the keys of its writers
// (stargz-snapshotter estargz/types.go:JTOC, TOCEntry; container-libs
// storage/pkg/chunked/internal/minimal/compression.go:TOC, FileMetadata).
type table struct {
	Version *int        `json:"version"`
	Entries []*rawEntry `json:"entries"`
}

type rawEntry struct {
	Name      string            `json:"name"`
	Type      string            `json:"type"`
	LinkName  string            `json:"linkName,omitempty"`
	Mode      int64             `json:"mode,omitempty"`
	Size      int64             `json:"size,omitempty"`
	UID       int64             `json:"uid,omitempty"`
	GID       int64             `json:"gid,omitempty"`
	UserName  string            `json:"userName,omitempty"`
	GroupName string            `json:"groupName,omitempty"`
	ModTime   time.Time         `json:"modtime"`
	DevMajor  int64             `json:"devMajor,omitempty"`
	DevMinor  int64             `json:"devMinor,omitempty"`
	Xattrs    map[string][]byte `json:"xattrs,omitempty"`
	Digest    digest.Digest     `json:"digest,omitempty"`
}

// FuzzDecode: a table that both Decode and encoding/json accept has the same entries
// for both, and neither accepts what is no table; entries that were read, written
// again, are read as the same; there are no more of them than allowed; memory is in
// proportion to the text; it does not matter in which pieces the text comes.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`{"version":1,"entries":[{"type":"dir","name":"bin/","mode":16877,"modtime":"2026-11-23T01:02:03.5Z"}]}`,
		`{"version":1,"entries":[{"type":"reg","name":"a","size":9,"uid":5,"gid":6,"digest":"sha256:ab","userName":"u","groupName":"g"},
		{"type":"chunk","chunkOffset":4},{"type":"char","devMajor":1,"devMinor":-3},{"type":"symlink","linkName":"\u00e9\ud800"}]}`,
		`{"entries":[{"xattrs":{"user.k":"AP8=","":null}}],"x":1}`, `{"entries":[{"xattrs":{"a":"*"}}]}`,
		`{"Entries":[{"NAME":"a","name":"b"}],"VERSION":1}`, `{"entries":[{},{},{},null,{}]}`,
		`{"entries":null}`, `{"entries":[]}`, `{"entries":{}}`, `{"entries":[1]}`, `{"version":2}`, `{"version":null}`, `{}`, `[]`, `null`, ``,
		`{"entries":[{}],"entries":[{}]}`, `{"entries":[{}]} {}`, `{"entries":[{}],}`, `{"entries":[{},]}`, `{"entries":[{}{}]}`, `{"entries":[{}]`,
		`{"x" 1}`, `{"x":}`, `{"x":[[{"a":[1]}]],"entries":[{"x":{"entries":[{}]}}]}`, "{\"\xff\":\"\x00\"}",
	} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		var got []*Entry
		var err error
		opts := DecodeOptions{MaxEntries: 1 << 20} // more than a text has
		if n := allocated(func() { got, err = collect(text, opts) }); n > 600*uint64(len(text))+1<<16 {
			t.Errorf("%d bytes for a table of %d", n, len(text))
		}
		if err != nil && !errors.As(err, new(*FormatError)) {
			t.Errorf("error %T %v", err, err)
		}
		agree(t, text, got, err)
		rewrite(t, got)
		limited(t, text, got, err, limit)
		pieces(t, text, got, err)
	})
}

// agree holds a table against encoding/json.
func agree(t *testing.T, text string, got []*Entry, err error) {
	t.Helper()
	var want table
	wantErr := json.Unmarshal([]byte(text), &want)
	if err == nil && (wantErr != nil || text[strings.IndexAny(text, "{[")] != '{') {
		t.Fatalf("accepted: %q, %v", text, wantErr)
	}
	if wantErr != nil {
		return
	}
	var entries []*Entry
	for _, e := range want.Entries {
		if e == nil { // null, which changes nothing in what it is read into
			e = new(rawEntry)
		}
		entries = append(entries, (*Entry)(e))
	}
	if err != nil {
		folded := strings.ToLower(text)
		lists, versions := strings.Count(folded, `"entries"`), strings.Count(folded, "version")
		odd := strings.Contains(text, `\`) || strings.Contains(text, "ſ") // keys may be written otherwise
		if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && lists < 2 && versions == 0 && !odd {
			t.Errorf("refused: %q, %v", text, err)
		}
		return
	}
	if want.Version != nil && *want.Version != 1 {
		t.Errorf("version %d", *want.Version)
	}
	if d := cmp.Diff(entries, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("encoding/json says otherwise:\n%s", d)
	}
}

// rewrite writes entries as a table and reads it.
func rewrite(t *testing.T, entries []*Entry) {
	t.Helper()
	version := 1
	written := table{Version: &version}
	for _, e := range entries {
		written.Entries = append(written.Entries, (*rawEntry)(e))
	}
	text, err := json.Marshal(written)
	if err != nil {
		t.Fatalf("accepted, but cannot be written: %v", err)
	}
	again, err := collect(string(text), DecodeOptions{})
	if d := cmp.Diff(entries, again, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("written and read again: %v\n%s", err, d)
	}
}

// limited reads a table under a limit, given what it holds without.
func limited(t *testing.T, text string, all []*Entry, allErr error, limit int) {
	t.Helper()
	if limit = limit&15 + 1; limit > len(all) {
		limit = len(all) + 1
	}
	some, err := collect(text, DecodeOptions{MaxEntries: limit})
	switch {
	case len(some) > limit:
		t.Errorf("%d entries, limit %d", len(some), limit)
	case len(all) > limit:
		if !errors.Is(err, ErrLimit) || len(some) != limit {
			t.Errorf("%d entries, limit %d: %d, %v", len(all), limit, len(some), err)
		}
	case errors.Is(err, ErrLimit): // before an entry that is broken
		if allErr == nil || len(all) != limit {
			t.Errorf("%d entries are over the limit of %d", len(all), limit)
		}
	case len(some) != len(all) || (err == nil) != (allErr == nil):
		t.Errorf("%d entries, %v; within the limit of %d %d, %v", len(all), allErr, limit, len(some), err)
	}
}

// pieces reads a table byte by byte, and one whose reader fails in the middle.
func pieces(t *testing.T, text string, want []*Entry, wantErr error) {
	t.Helper()
	if len(text) > 4096 {
		return
	}
	var got []*Entry
	for e, err := range Decode(iotest.OneByteReader(strings.NewReader(text)), DecodeOptions{}) {
		if (err != nil) != (e == nil) || err != nil && (wantErr == nil || err.Error() != wantErr.Error()) {
			t.Fatalf("byte by byte: %v, %v; at once: %v", e, err, wantErr)
		}
		if e != nil {
			got = append(got, e)
		}
	}
	if !cmp.Equal(got, want) {
		t.Errorf("byte by byte: %d entries, at once %d", len(got), len(want))
	}
	broken := io.MultiReader(strings.NewReader(text[:len(text)/2]), iotest.ErrReader(iotest.ErrTimeout))
	var last error
	for _, err := range Decode(broken, DecodeOptions{}) {
		if last != nil {
			t.Fatalf("after %v came %v", last, err)
		}
		last = err
	}
	if wantErr == nil && !errors.Is(last, iotest.ErrTimeout) {
		t.Errorf("a reader that fails: %v", last)
	}
}

// allocated is how many bytes do takes from the heap, whether or not it keeps them.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
