package ondisk

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestLayers(t *testing.T) {
	t.Parallel()
	const text = `[
	 {"id":"a","created":"2026-11-23T07:06:37.872875485Z","compressed-diff-digest":"sha256:c","compressed-size":10,
	  "diff-digest":"sha256:d","diff-size":1986560,"compression":2,"uidset":[0],"gidset":[0]},
	 {"id":"b","parent":"a","names":["x-layer"],"toc-digest":"sha256:t","diff-size":-1,
	  "flags":{"incomplete":true,"expected-layer-diffid":"sha256:e"},
	  "uidmap":[{"container_id":0,"host_id":100000,"size":65536}],"big-data-names":["k"],"later":{"x":[1]}}
	]`
	all, err := Layers([]byte(text))
	if err != nil || len(all) != 2 {
		t.Fatalf("%d records, %v", len(all), err)
	}
	a, b := all[0], all[1]
	if a.ID != "a" || a.DiffDigest != "sha256:d" || a.DiffSize != 1986560 || a.Compression != 2 ||
		!a.Created.Equal(time.Date(2026, 11, 23, 7, 6, 37, 872875485, time.UTC)) || a.Incomplete() || a.ExpectedDiffID() != "" {
		t.Errorf("a = %+v", a)
	}
	if b.Parent != "a" || b.Names[0] != "x-layer" || b.TOCDigest != "sha256:t" || b.DiffSize != -1 || !b.Incomplete() ||
		b.ExpectedDiffID() != "sha256:e" || b.UIDMap[0] != (IDMap{0, 100000, 65536}) || b.BigDataNames[0] != "k" {
		t.Errorf("b = %+v", b)
	}
}

func TestImagesAndContainers(t *testing.T) {
	t.Parallel()
	images, err := Images([]byte(`[{"id":"i","digest":"sha256:m","names":["n"],"names-history":["h"],"layer":"l",
	 "mapped-layers":["l2"],"metadata":"{}","big-data-names":["manifest"],"big-data-sizes":{"manifest":3},
	 "big-data-digests":{"manifest":"sha256:m"}}]`))
	if err != nil || len(images) != 1 {
		t.Fatal(images, err)
	}
	if i := images[0]; i.TopLayer != "l" || i.Keys[0] != "manifest" || i.Sizes["manifest"] != 3 ||
		i.Digests["manifest"] != "sha256:m" || i.MappedTopLayers[0] != "l2" {
		t.Errorf("%+v", i)
	}
	containers, err := Containers([]byte(`[{"id":"c","names":["n"],"image":"","layer":"l","flags":{"Volatile":true}}]`))
	if err != nil || len(containers) != 1 || containers[0].Layer != "l" {
		t.Errorf("%+v %v", containers, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"truncated":      `[{"id":"a"},{"id":`,
		"no end":         `[{"id":"a"}`,
		"an object":      `{"id":"a"}`,
		"a string":       `"a"`,
		"trailing":       `[{"id":"a"}] []`,
		"trailing null":  `null 1`,
		"wrong type":     `[{"id":7}]`,
		"no id":          `[{}]`,
		"bad time":       `[{"id":"a","created":"yesterday"}]`,
		"deep":           `[{"id":"a","flags":{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}}]`,
		"not JSON":       "\x1f\x8b\x08",
		"NUL bytes":      strings.Repeat("\x00", 64),
		"null record":    `[null]`,
		"too many":       "[" + strings.Repeat(`{"id":"a"},`, MaxRecords) + `{"id":"a"}]`,
		"many names":     `[{"id":"a","names":[` + strings.Repeat(`"",`, MaxItems) + `""]}]`,
		"many keys":      `[{"id":"a","names":[` + strings.Repeat(`"",`, MaxItems-1) + `""]},{"id":"b","names":["x"]}]`,
		"long flags":     `[{"id":"a","flags":{"x":"` + strings.Repeat("x", MaxOdd) + `"}}]`,
		"overflow":       `[{"id":"a","diff-size":99999999999999999999}]`,
		"id of an array": `[{"id":["a"]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad *FormatError
			if all, err := Layers([]byte(text)); !errors.As(err, &bad) {
				t.Errorf("%d records, error %v", len(all), err)
			}
		})
	}
	for _, id := range []string{"..", ".", "a/b", "/", "a\x00b", "../../etc", strings.Repeat("x", 256)} {
		for _, key := range []string{"id", "parent"} {
			text := strings.NewReplacer("\x00", `\u0000`).Replace(`[{"id":"ok","` + key + `":"` + id + `"}]`)
			if _, err := Layers([]byte(text)); !errors.Is(err, ErrID) {
				t.Errorf("%s %q: %v", key, id, err)
			}
		}
	}
	if _, err := Images([]byte(`[{"id":"i","mapped-layers":["../x"]}]`)); !errors.Is(err, ErrID) {
		t.Error("mapped layer:", err)
	}
	if _, err := Containers([]byte(`[{"id":"c","layer":"x/y"}]`)); !errors.Is(err, ErrID) {
		t.Error("container's layer:", err)
	}
}

func TestEmptyIsNoRecords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " \n", "[]", "null"} {
		if all, err := Layers([]byte(text)); err != nil || len(all) != 0 {
			t.Errorf("%q: %v %v", text, all, err)
		}
	}
}

func TestFormatErrorNamesTheRecord(t *testing.T) {
	t.Parallel()
	_, err := Layers([]byte(`[{"id":"a"},{"id":"b"},{"id":"c","parent":"/"}]`))
	var bad *FormatError
	if !errors.As(err, &bad) || bad.Record != 2 || bad.Offset < 20 {
		t.Errorf("%v", err)
	}
}

func TestBigDataFile(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"manifest":              "manifest",
		"instances.json":        "instances.json",
		"sha256:ab":             "=c2hhMjU2OmFi",
		"zstd-chunked-manifest": "=enN0ZC1jaHVua2VkLW1hbmlmZXN0",
		"manifest-sha256:ab":    "=bWFuaWZlc3Qtc2hhMjU2OmFi",
		"signature-1":           "=c2lnbmF0dXJlLTE=",
		"abcX":                  "abcX", // the quirk: only the last character is unusual
		"abc/":                  "abc/",
		"abcé":                  "abcé",
		"abXc":                  "=YWJYYw==",
		"Xabc":                  "=WGFiYw==",
		"X":                     "X",
		"":                      "",
		"\xff":                  "\xff",
		"\xffa":                 "=/2E=",
	} {
		if got := BigDataFile(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}
