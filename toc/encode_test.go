package toc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/tarsplit"
	"github.com/cstor-go/cstor/toc"
)

func each(entries ...*toc.Entry) iter.Seq2[*toc.Entry, error] {
	return func(yield func(*toc.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	when := time.Date(2024, 5, 6, 7, 8, 9, 600000000, time.FixedZone("", 3600))
	for name, test := range map[string]struct {
		entry *toc.Entry
		want  string
	}{
		"name and type":         {&toc.Entry{Name: "a", Type: toc.TypeReg}, `{"name":"a","type":"reg"}`},
		"empty name":            {&toc.Entry{Type: toc.TypeReg}, `{"name":"","type":"reg"}`},
		"rounded, in UTC":       {&toc.Entry{Name: "a", Type: "dir", ModTime: when}, `{"name":"a","type":"dir","modtime":"2024-05-06T06:08:10Z"}`},
		"the epoch":             {&toc.Entry{Name: "a", Type: "dir", ModTime: time.Unix(0, 400000000)}, `{"name":"a","type":"dir"}`},
		"before the epoch":      {&toc.Entry{Name: "a", Type: "dir", ModTime: time.Unix(-1, 0)}, `{"name":"a","type":"dir","modtime":"1969-12-31T23:59:59Z"}`},
		"a year of five digits": {&toc.Entry{Name: "a", Type: "dir", ModTime: time.Unix(1<<40, 0)}, `{"name":"a","type":"dir"}`},
		"all numbers": {
			&toc.Entry{Name: "a", Type: "char", Size: 1, Mode: 2, UID: 3, GID: 4, DevMajor: 5, DevMinor: 6},
			`{"name":"a","type":"char","size":1,"mode":2,"uid":3,"gid":4,"devMajor":5,"devMinor":6}`,
		},
		"all strings": {
			&toc.Entry{Name: "a", Type: "reg", LinkName: "l", UserName: "u", GroupName: "g", Digest: "sha256:0"},
			`{"name":"a","type":"reg","linkName":"l","userName":"u","groupName":"g","digest":"sha256:0"}`,
		},
		"attributes, sorted": {
			&toc.Entry{Name: "a", Type: "reg", Xattrs: map[string][]byte{"user.b": {0, 0xff}, "user.a": nil}},
			`{"name":"a","type":"reg","xattrs":{"user.a":"","user.b":"AP8="}}`,
		},
		"escapes":   {&toc.Entry{Name: "\"\\\n\t\x00\x7f<é", Type: "reg"}, `{"name":"\"\\\n\t\u0000\u007f<é","type":"reg"}`},
		"not UTF-8": {&toc.Entry{Name: "a\xffb", Type: "symlink", LinkName: "\xe9"}, "{\"name\":\"a\ufffdb\",\"type\":\"symlink\",\"linkName\":\"\ufffd\",\"nameRaw\":\"Yf9i\",\"linkNameRaw\":\"6Q==\"}"},
	} {
		var b strings.Builder
		if err := toc.Encode(&b, each(test.entry), toc.EncodeOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := "{\"version\":1,\"entries\":[\n" + test.want + "\n]}\n"; b.String() != want {
			t.Errorf("%s: got  %swant %s", name, &b, want)
		}
	}
}

// TestEncodeForms: both forms are the same JSON, and what Decode reads.
func TestEncodeForms(t *testing.T) {
	t.Parallel()
	for _, entries := range [][]*toc.Entry{nil, {{Name: "a", Type: "reg", Size: 1}}, {{Name: "a", Type: "reg"}, {Name: "b", Type: "dir", Xattrs: map[string][]byte{"user.x": []byte("y")}}}} {
		var forms [2]any
		for i, indent := range []bool{false, true} {
			var b bytes.Buffer
			if err := toc.Encode(&b, each(entries...), toc.EncodeOptions{Indent: indent}); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b.Bytes(), &forms[i]); err != nil {
				t.Fatalf("%v: %s", err, &b)
			}
			var back []*toc.Entry
			for e, err := range toc.Decode(&b, toc.DecodeOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				back = append(back, e)
			}
			if diff := cmp.Diff(entries, back); diff != "" {
				t.Error(diff)
			}
		}
		if diff := cmp.Diff(forms[0], forms[1]); diff != "" {
			t.Error(diff)
		}
	}
}

// TestRoundTrip: what Encode wrote, Decode reads as it was, whatever bytes are in names;
// and it leaves out what encoding/json does.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	entries := []*toc.Entry{
		{Name: "latin1-\xe9/", Type: toc.TypeDir, Mode: 0o755, UID: 1 << 32, GID: 3_000_000_000, ModTime: time.Unix(1700000000, 0).UTC()},
		{Name: "\xff\xfe", Type: toc.TypeSymlink, LinkName: "\ufffd\xc3"},
		{Name: "plain\ufffd", Type: toc.TypeReg, Size: 1, Digest: "sha256:0", Xattrs: map[string][]byte{"user.a": {0xff}}},
	}
	var b bytes.Buffer
	if err := toc.Encode(&b, each(entries...), toc.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if text, err := json.Marshal(entries[2]); err != nil || len(text) != len(lines[3]) {
		t.Errorf("encoding/json: %s, %v; here: %s", text, err, lines[3])
	}
	var back []*toc.Entry
	for e, err := range toc.Decode(&b, toc.DecodeOptions{RawNames: true}) {
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, e)
	}
	if diff := cmp.Diff(entries, back); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	want := errors.New("no more")
	entries := func(yield func(*toc.Entry, error) bool) { yield(nil, want) }
	if err := toc.Encode(io.Discard, entries, toc.EncodeOptions{}); !errors.Is(err, want) {
		t.Error(err)
	}
	if err := toc.Encode(failing{want}, each(&toc.Entry{Name: strings.Repeat("x", 1<<20)}), toc.EncodeOptions{}); !errors.Is(err, want) {
		t.Error(err)
	}
	if err := toc.Encode(failing{want}, each(), toc.EncodeOptions{Indent: true}); !errors.Is(err, want) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestFrom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in   tarsplit.Entry
		want toc.Entry
	}{
		"file":      {tarsplit.Entry{Name: "./a//b", Type: '0', Size: 5, Digest: "sha256:x"}, toc.Entry{Name: "a/b", Type: "reg", Size: 5, Digest: "sha256:x"}},
		"sparse":    {tarsplit.Entry{Name: "a", Type: 'S', Size: 5, Sparse: &tarsplit.Sparse{Size: 50}}, toc.Entry{Name: "a", Type: "reg", Size: 50}},
		"directory": {tarsplit.Entry{Name: "/a/", Type: '5', Size: 9}, toc.Entry{Name: "a/", Type: "dir"}},
		"root":      {tarsplit.Entry{Name: "./", Type: '5'}, toc.Entry{Name: "./", Type: "dir"}},
		"climbing":  {tarsplit.Entry{Name: "../../a", Type: '0'}, toc.Entry{Name: "a", Type: "reg"}},
		"hard link": {tarsplit.Entry{Name: "a", Type: '1', Linkname: "./b"}, toc.Entry{Name: "a", Type: "hardlink", LinkName: "b"}},
		"symlink":   {tarsplit.Entry{Name: "a", Type: '2', Linkname: "./b/../c"}, toc.Entry{Name: "a", Type: "symlink", LinkName: "./b/../c"}},
		"device":    {tarsplit.Entry{Name: "a", Type: '3', Devmajor: 1, Devminor: 2}, toc.Entry{Name: "a", Type: "char", DevMajor: 1, DevMinor: 2}},
		"block":     {tarsplit.Entry{Name: "a", Type: '4', Devmajor: 1}, toc.Entry{Name: "a", Type: "block", DevMajor: 1}},
		"pipe":      {tarsplit.Entry{Name: "a", Type: '6', Devmajor: 1}, toc.Entry{Name: "a", Type: "fifo"}},
		"whiteout":  {tarsplit.Entry{Name: "d/.wh.x", Type: '0'}, toc.Entry{Name: "d/.wh.x", Type: "reg"}},
		"owner": {
			tarsplit.Entry{Name: "a", Type: '0', Mode: 0o644, UID: 1, GID: 2, Uname: "u", Gname: "g", Xattrs: map[string]string{"user.a": "b"}},
			toc.Entry{Name: "a", Type: "reg", Mode: 0o644, UID: 1, GID: 2, UserName: "u", GroupName: "g", Xattrs: map[string][]byte{"user.a": []byte("b")}},
		},
	} {
		got, err := toc.From(&test.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := toc.From(&tarsplit.Entry{Name: "a/", Type: '5', Redirect: "/x"}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a redirect: %v", err)
	}
	if _, err := toc.From(&tarsplit.Entry{Name: "a", Type: 'g'}); err == nil {
		t.Error("a global header: no error")
	}
}
