package toc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func collect(text string, opts DecodeOptions) (all []*Entry, err error) {
	for e, err := range Decode(strings.NewReader(text), opts) {
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

func TestDecode(t *testing.T) {
	t.Parallel()
	got, err := collect(`{"version":1,"entries":[
	 {"type":"dir","name":"bin/","mode":16877,"modtime":"2026-11-23T01:02:03.5Z"},
	 {"type":"reg","name":"bin/a","mode":33261,"size":9,"uid":5,"gid":6,"digest":"sha256:ab","offset":112,"endOffset":999,
	  "xattrs":{"user.k":"AP8="}},
	 {"type":"chunk","name":"bin/a","chunkOffset":4,"chunkType":"zeros"},
	 {"type":"char","name":"dev/null","devMajor":1,"devMinor":3,"userName":"root"}
	],"tarSplitDigest":"sha256:cd","future":{"a":[1,2]}}`, DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []*Entry{
		{Name: "bin/", Type: TypeDir, Mode: 16877, ModTime: time.Date(2026, 11, 23, 1, 2, 3, 5e8, time.UTC)},
		{Name: "bin/a", Type: TypeReg, Mode: 33261, Size: 9, UID: 5, GID: 6, Digest: "sha256:ab", Xattrs: map[string][]byte{"user.k": {0, 255}}},
		{Name: "bin/a", Type: TypeChunk},
		{Name: "dev/null", Type: TypeChar, DevMajor: 1, DevMinor: 3, UserName: "root"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":         ``,
		"a list":        `[]`,
		"version 2":     `{"version":2,"entries":[]}`,
		"truncated":     `{"version":1,"entries":[{"type":"dir"}`,
		"trailing data": `{"version":1,"entries":[]} {}`,
		"two lists":     `{"entries":[],"Entries":[]}`,
		"wrong type":    `{"entries":[{"size":"x"}]}`,
		"bad xattr":     `{"entries":[{"xattrs":{"a":"*"}}]}`,
		"entries text":  `{"entries":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad *FormatError
			if _, err := collect(text, DecodeOptions{}); !errors.As(err, &bad) {
				t.Error(err)
			}
		})
	}
	if got, err := collect(`{"version":1,"entries":null}`, DecodeOptions{}); err != nil || got != nil {
		t.Error(got, err)
	}
	if got, err := collect(`{"entries":[{},{},{}]}`, DecodeOptions{MaxEntries: 2}); !errors.Is(err, ErrLimit) || len(got) != 2 {
		t.Error(len(got), err)
	}
}

// TestDecodeWhere: which entry an error is about.
func TestDecodeWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`[]`: -1, `{"version":2}`: -1, `{"entries":[1]}`: 0, `{"entries":[{},{"size":"x"}]}`: 1, `{"entries":[{},{}],"version":2}`: -1,
		`{"entries":[{}]} x`: -1, `{"entries":[{},{"uid":9223372036854775808}]}`: 1,
	} {
		var bad *FormatError
		if _, err := collect(text, DecodeOptions{}); !errors.As(err, &bad) || bad.Entry != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	var bad *FormatError
	if got, err := collect(`{"entries":[{}]}`, DecodeOptions{MaxEntries: -1}); err == nil || errors.As(err, &bad) || got != nil {
		t.Errorf("a negative limit: %d entries, %v", len(got), err)
	}
}

// TestDecodeRaw: the keys for names that are not UTF-8 count if asked for, and if they
// say no other name.
func TestDecodeRaw(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		raw  bool
		want string // of name and link; empty: refused
	}{
		"both":        {`"name":"a\ufffdb","linkName":"\ufffd","nameRaw":"Yf9i","linkNameRaw":"6Q=="`, true, "a\xffb>\xe9"},
		"none":        {`"name":"a\ufffdb","linkName":"x"`, true, "a\ufffdb>x"},
		"UTF-8":       {`"name":"a","nameRaw":"YQ=="`, true, "a>"},
		"not asked":   {`"name":"a\ufffdb","nameRaw":"Yf9i"`, false, "a\ufffdb>"},
		"another":     {`"name":"b","nameRaw":"Yf9i"`, true, ""},
		"of nothing":  {`"linkNameRaw":"Yf9i"`, true, ""},
		"no base64":   {`"name":"a","nameRaw":"*"`, true, ""},
		"wrong entry": {`"name":1`, true, ""},
	} {
		got, err := collect(`{"entries":[{`+test.text+`}]}`, DecodeOptions{RawNames: test.raw})
		switch {
		case test.want == "":
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		case err != nil || got[0].Name+">"+got[0].LinkName != test.want:
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestDecodeStops(t *testing.T) {
	t.Parallel()
	n := 0
	for range Decode(strings.NewReader(`{"entries":[{},{},{}]}`), DecodeOptions{}) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Error(n)
	}
}
