package ondisk

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/jsonscan"
)

// The records with the tags of their writers' types (container-libs
// storage/layers.go:Layer, images.go:Image, containers.go:Container).
type (
	layerJSON struct {
		ID               string         `json:"id"`
		Names            []string       `json:"names,omitempty"`
		Parent           string         `json:"parent,omitempty"`
		Metadata         string         `json:"metadata,omitempty"`
		MountLabel       string         `json:"mountlabel,omitempty"`
		Created          time.Time      `json:"created"`
		CompressedDigest digest.Digest  `json:"compressed-diff-digest,omitempty"`
		CompressedSize   int64          `json:"compressed-size,omitempty"`
		DiffDigest       digest.Digest  `json:"diff-digest,omitempty"`
		DiffSize         int64          `json:"diff-size,omitempty"`
		TOCDigest        digest.Digest  `json:"toc-digest,omitempty"`
		Compression      int64          `json:"compression,omitempty"`
		Flags            map[string]any `json:"flags,omitempty"`
		UIDMap           []IDMap        `json:"uidmap,omitempty"`
		GIDMap           []IDMap        `json:"gidmap,omitempty"`
		BigDataNames     []string       `json:"big-data-names,omitempty"`
	}
	bigDataJSON struct {
		Keys    []string                 `json:"big-data-names,omitempty"`
		Sizes   map[string]int64         `json:"big-data-sizes,omitempty"`
		Digests map[string]digest.Digest `json:"big-data-digests,omitempty"`
	}
	imageJSON struct {
		ID              string         `json:"id"`
		Digest          digest.Digest  `json:"digest,omitempty"`
		Names           []string       `json:"names,omitempty"`
		NamesHistory    []string       `json:"names-history,omitempty"`
		TopLayer        string         `json:"layer,omitempty"`
		MappedTopLayers []string       `json:"mapped-layers,omitempty"`
		Metadata        string         `json:"metadata,omitempty"`
		Created         time.Time      `json:"created"`
		Flags           map[string]any `json:"flags,omitempty"`
		bigDataJSON
	}
	containerJSON struct {
		ID       string         `json:"id"`
		Names    []string       `json:"names,omitempty"`
		Image    string         `json:"image"`
		Layer    string         `json:"layer"`
		Metadata string         `json:"metadata,omitempty"`
		Created  time.Time      `json:"created"`
		UIDMap   []IDMap        `json:"uidmap,omitempty"`
		GIDMap   []IDMap        `json:"gidmap,omitempty"`
		Flags    map[string]any `json:"flags,omitempty"`
		bigDataJSON
	}
)

// A list is one of the three, read by us and by encoding/json.
type list[T, J any] struct {
	decode func([]byte) ([]T, error)
	plain  func(J) T
	json   func(T) J
	ids    func(T) (own string, others []string)
}

var (
	layerList = list[Layer, layerJSON]{
		decode: Layers,
		plain:  func(l layerJSON) Layer { return Layer(l) },
		json:   func(l Layer) layerJSON { return layerJSON(l) },
		ids:    func(l Layer) (string, []string) { return l.ID, []string{l.Parent} },
	}
	imageList = list[Image, imageJSON]{
		decode: Images,
		plain: func(i imageJSON) Image {
			return Image{i.ID, i.Digest, i.Names, i.NamesHistory, i.TopLayer, i.MappedTopLayers, i.Metadata, i.Created, i.Flags, BigData(i.bigDataJSON)}
		},
		json: func(i Image) imageJSON {
			return imageJSON{i.ID, i.Digest, i.Names, i.NamesHistory, i.TopLayer, i.MappedTopLayers, i.Metadata, i.Created, i.Flags, bigDataJSON(i.BigData)}
		},
		ids: func(i Image) (string, []string) { return i.ID, append([]string{i.TopLayer}, i.MappedTopLayers...) },
	}
	containerList = list[Container, containerJSON]{
		decode: Containers,
		plain: func(c containerJSON) Container {
			return Container{c.ID, c.Names, c.Image, c.Layer, c.Metadata, c.Created, c.UIDMap, c.GIDMap, c.Flags, BigData(c.bigDataJSON)}
		},
		json: func(c Container) containerJSON {
			return containerJSON{c.ID, c.Names, c.Image, c.Layer, c.Metadata, c.Created, c.UIDMap, c.GIDMap, c.Flags, bigDataJSON(c.BigData)}
		},
		ids: func(c Container) (string, []string) { return c.ID, []string{c.Image, c.Layer} },
	}
)

// fuzz checks of one text: what is accepted has ids that name one directory entry
// each; encoding/json, into the writers' types, accepts the same texts, with the
// same result, unless their keys are odd; what is accepted, written as its writers
// do, is read as the same again; and memory stays in proportion to the text.
func (l list[T, J]) fuzz(t *testing.T, data []byte) {
	var got []T
	var err error
	// A record of "{…}," takes a few hundred bytes, and growing a list of them as
	// much again several times over.
	if n := allocated(func() { got, err = l.decode(data) }); n > 400*uint64(len(data))+1<<16 {
		t.Errorf("%d bytes for a list of %d", n, len(data))
	}
	if err != nil && !errors.As(err, new(*FormatError)) {
		t.Errorf("error %T %v", err, err)
	}
	for _, v := range got {
		if own, others := l.ids(v); !one(own) || err != nil {
			t.Errorf("accepted id %q, %v", own, err)
		} else {
			for _, id := range others {
				if id != "" && !one(id) {
					t.Errorf("accepted id %q", id)
				}
			}
		}
	}
	l.agree(t, data, got, err)
	if err != nil {
		return
	}
	written := make([]J, len(got))
	for n, v := range got {
		written[n] = l.json(v)
	}
	text, err := json.Marshal(written)
	if err != nil {
		t.Fatalf("accepted, but cannot be written: %v", err)
	}
	again, err := l.decode(text)
	if d := cmp.Diff(got, again, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("written and read again: %v\n%s", err, d)
	}
}

// agree holds the result against that of encoding/json.
func (l list[T, J]) agree(t *testing.T, data []byte, got []T, err error) {
	if strings.TrimLeft(string(data), " \t\r\n") == "" {
		if got != nil || err != nil {
			t.Errorf("an empty file: %v, %v", got, err)
		}
		return
	}
	var plain []J
	plainErr := json.Unmarshal(data, &plain)
	if oddKeys(data) {
		if err == nil && plainErr != nil && !json.Valid(data) {
			t.Errorf("accepted, though %v", plainErr)
		}
		return
	}
	if err == nil && plainErr != nil {
		t.Errorf("accepted, though %v", plainErr)
	}
	if plainErr != nil {
		return
	}
	var want []T
	for _, p := range plain {
		want = append(want, l.plain(p))
		own, others := l.ids(want[len(want)-1])
		for _, id := range others {
			if id != "" && !one(id) {
				own = ""
			}
		}
		if !one(own) { // then we refuse the list
			if err == nil {
				t.Errorf("accepted ids of %+v", p)
			}
			return
		}
	}
	if err != nil {
		// What is left are the limits, which short texts do not reach but for one.
		if len(data) < MaxItems && strings.Count(string(data), "[")+strings.Count(string(data), "{") <= jsonscan.MaxDepth {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("encoding/json says otherwise:\n%s", d)
	}
}

// one reports whether id can name an entry of a directory.
func one(id string) bool {
	switch {
	case len(id) < 1, len(id) > 255, id == ".", id == "..":
		return false
	}
	for _, b := range []byte(id) {
		if b == 0 || b == '/' {
			return false
		}
	}
	return true
}

// oddKeys reports whether an object has a key twice, when encoding/json merges what
// we replace, or in capital letters, which we do not match.
func oddKeys(data []byte) bool {
	odd, _ := oddValue(json.NewDecoder(strings.NewReader(string(data)))) // for faults see encoding/json
	return odd
}

func oddValue(dec *json.Decoder) (odd bool, err error) {
	token, err := dec.Token()
	start, open := token.(json.Delim)
	if err != nil || !open {
		return false, err
	}
	seen := make(map[string]bool)
	for dec.More() {
		if start == '{' {
			token, err := dec.Token()
			if err != nil {
				return odd, err
			}
			key, _ := token.(string)
			if strings.ToLower(key) != key || strings.Contains(key, "ſ") || seen[key] {
				odd = true
			}
			seen[key] = true
		}
		inner, err := oddValue(dec)
		if odd = odd || inner; err != nil {
			return odd, err
		}
	}
	_, err = dec.Token() // the end
	return odd, err
}

// allocated is how many bytes do takes from the heap, whether or not it keeps them.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// lists are seeds for all three.
var lists = []string{
	"", " \n", "null", "[]", "[null]", "[{}]", "{}", `[{"id":"a"}] x`, `[{"id":"a"},{"id":"b"}]`,
	`[{"id":"a","id":null,"created":null,"names":null,"flags":null,"big-data-names":null}]`,
	`[{"id":".."}]`, `[{"id":"."}]`, `[{"id":"a","parent":"b/c","layer":"b/c"}]`, `[{"id":"a","parent":"","layer":""}]`, `[{"id":"a\u0000"}]`, `[{"id":"\u00e9\ud800","names":["\ud83d\ude00","x\"y"]}]`,
	`[{"id":"a","created":"2026-11-23T07:06:37.872875485+01:30","later":{"x":[1,{"y":null}]}}]`, `[{"id":"a","ID":"b"}]`,
	`[{"id":"a","flags":{"incomplete":true,"n":1e3,"l":[[],{}]},"flags":{"m":null}}]`,
	`[{"id":"a","uidmap":[{"container_id":0,"host_id":100000,"size":65536},{}],"gidmap":[null]}]`,
}

// FuzzLayers: see fuzz.
func FuzzLayers(f *testing.F) {
	for _, text := range lists {
		f.Add([]byte(text))
	}
	f.Add([]byte(`[{"id":"b","parent":"a","names":["x-layer"],"metadata":"m","mountlabel":"s0:c1","created":"2026-11-23T07:06:37Z",
	"compressed-diff-digest":"sha256:c","compressed-size":10,"diff-digest":"sha256:d","diff-size":-1,"toc-digest":"sha256:t",
	"compression":2,"uidset":[0],"gidset":[0],"flags":{"incomplete":true,"expected-layer-diffid":"sha256:e"},"big-data-names":["k"]}]`))
	f.Fuzz(layerList.fuzz)
}

// FuzzImages: see fuzz.
func FuzzImages(f *testing.F) {
	for _, text := range lists {
		f.Add([]byte(text))
	}
	f.Add([]byte(`[{"id":"i","digest":"sha256:m","names":["n"],"names-history":["h"],"layer":"l","mapped-layers":["l2"],"metadata":"{}",
	"big-data-names":["manifest","sha256:c"],"big-data-sizes":{"manifest":3,"sha256:c":-9},"big-data-digests":{"manifest":"sha256:m"}}]`))
	f.Fuzz(imageList.fuzz)
}

// FuzzContainers: see fuzz.
func FuzzContainers(f *testing.F) {
	for _, text := range lists {
		f.Add([]byte(text))
	}
	f.Add([]byte(`[{"id":"c","names":["n"],"image":"","layer":"l","metadata":"{\"name\":\"n\"}","flags":{"Volatile":true,"MountOpts":["x"]},
	"big-data-names":["k"],"big-data-sizes":{"k":0}}]`))
	f.Fuzz(containerList.fuzz)
}

// FuzzBigDataFile: the name is the writers', and tells the key.
func FuzzBigDataFile(f *testing.F) {
	for _, key := range []string{"", "manifest", "instances.json", "sha256:ab", "abcX", "abXc", "X", "=", "a/", "é", "aé", "éa", "\xff", "\xffa", "a\xffb", "\x00", "??>", "a\uFFFD"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		got := BigDataFile(key)
		if want := theirBigDataFile(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
		if got == key {
			return
		}
		if back, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(got, "=")); err != nil || string(back) != key || got[0] != '=' {
			t.Errorf("%q: %q is the name of %q, %v", key, got, back, err)
		}
	})
}

// theirBigDataFile reads runes one by one until one is odd or none is left
// (container-libs storage/store.go:makeBigDataBaseName).
func theirBigDataFile(key string) string {
	r := strings.NewReader(key)
	for {
		b, size, err := r.ReadRune()
		if errors.Is(err, io.EOF) || size > 1 || !strings.ContainsRune(".0123456789abcdefghijklmnopqrstuvwxyz", b) {
			break
		}
	}
	if r.Len() == 0 {
		return key
	}
	return "=" + base64.StdEncoding.EncodeToString([]byte(key))
}
