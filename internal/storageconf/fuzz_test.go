package storageconf

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzDiscover reads one text as main file, drop-in or override. Whatever it
// holds, the answer has clean absolute paths or is a SourceError on one line, is
// the same when asked again, comes soon and out of memory in proportion to the
// text; and a file that says just what the answer is leads to the same again.
func FuzzDiscover(f *testing.F) {
	f.Add("", 0, "", "", "")
	f.Add(conf("/g/$UID/${HOME}"), 1000, "/home/u", "overlay.imagestore=/a,vfs.x=y", "vfs")
	f.Add("[storage]\ndriver_priority=['a',{append=true}]\n[storage.options]\nadditionallayerstores=['/a:ref,/b']\nforce_mask=448\n", 7, "/", "", "")
	f.Add("[storage.options]\nadditionalimagestores=['/a', '../b']\n[storage.options.overlay]\nforce_mask='shared'\n", -1, "h", "=", "overlay2")
	f.Add("[storage]\ngraphroot=\"/x\\u0000\"\nimagestore='/i'\ntransient_store=true\n[[storage.x]]\n\"a.b\"={c=1}\n", 0, "\n", ",", "../x")
	f.Fuzz(func(t *testing.T, text string, uid int, home, opts, driver string) {
		fsys := newFS(map[string]string{adminConf: text, adminConf + ".d/1.conf": text, "/o": text, "/link": "-> /", "/run/user/1000/": "1000 700"})
		env := map[string]string{"HOME": home, "STORAGE_DRIVER": driver, overrideVariable: "/o"}
		if opts != "" {
			env["STORAGE_OPTS"] = opts
		}
		req := Request{FS: fsys, Getenv: getenv(env), UID: uid}
		start := time.Now()
		var res Result
		var err error
		used := allocated(func() { res, err = Discover(req) })
		if used > 8192*uint64(len(text)+len(home)+len(opts))+1<<20 {
			t.Errorf("%d bytes for %d", used, len(text))
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v for %d bytes", took, len(text))
		}
		again, errAgain := Discover(req)
		if !reflect.DeepEqual(res, again) || (err == nil) != (errAgain == nil) {
			t.Errorf("two answers: %+v, %v and %+v, %v", res, err, again, errAgain)
		}
		if err != nil {
			if _, ok := errors.AsType[*SourceError](err); !ok || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("error %T %q", err, err)
			}
			return
		}
		checkConfig(t, res.Config)
		if res.Other != nil {
			checkConfig(t, *res.Other)
		}
		checkSaid(t, res.Config)
		for _, driver := range knownDrivers {
			if cfg, err := res.WithDriver(driver); err == nil {
				checkConfig(t, cfg)
			}
		}
	})
}

func checkConfig(t *testing.T, cfg Config) {
	t.Helper()
	paths := append([]string{cfg.GraphRoot}, cfg.AdditionalImageStores...)
	for _, s := range cfg.AdditionalLayerStores {
		paths = append(paths, s.Path)
	}
	for _, path := range []string{cfg.RunRoot, cfg.ImageStore} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsAny(path, "\x00\n") {
			t.Errorf("path %q in %+v", path, cfg)
		}
	}
	if !validDriver(cfg.Driver) || cfg.Driver == "overlay2" {
		t.Errorf("driver %q", cfg.Driver)
	}
}

// checkSaid writes a storage.conf that says what cfg is, and reads it.
func checkSaid(t *testing.T, cfg Config) {
	t.Helper()
	stores := cfg.AdditionalImageStores
	var layers []string
	for _, s := range cfg.AdditionalLayerStores {
		path := s.Path
		if s.Ref {
			path += ":ref"
		}
		layers = append(layers, path)
	}
	want := cfg
	if cfg.Driver == "" || cfg.Driver == "overlay" { // the only one that has such stores
		layers = append(layers, "/known:ref")
		want.AdditionalLayerStores = append(slices.Clone(cfg.AdditionalLayerStores), LayerStore{Path: "/known", Ref: true})
	}
	text, err := toml.Marshal(map[string]any{"storage": map[string]any{
		"driver": cfg.Driver, "driver_priority": append([]string{}, cfg.DriverPriority...), "transient_store": cfg.Transient,
		"graphroot": cfg.GraphRoot, "runroot": cfg.RunRoot, "imagestore": cfg.ImageStore,
		"options": map[string]any{
			"additionalimagestores": append([]string{}, stores...), "additionallayerstores": append([]string{}, layers...),
			"overlay": map[string]any{"mount_program": cfg.MountProgram, "force_mask": cfg.ForceMask},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Concat(stores, layers) {
		if strings.TrimSpace(s) != s {
			return // of options, what stands at the end has no white space
		}
	}
	if strings.Contains(cfg.GraphRoot+cfg.RunRoot, "$") || !utf8.Valid(text) {
		return
	}
	got, err := Discover(Request{FS: newFS(map[string]string{"/said": string(text)}), UID: cfg.UID, ConfigFile: "/said"})
	if errors.Is(err, ErrTooComplex) || errors.Is(err, ErrTooLarge) {
		return
	}
	if cfg.RunRoot == "" {
		got.RunRoot = ""
	}
	want.Rules, want.DriverOptions, got.DriverOptions = got.Rules, nil, nil
	if d := cmp.Diff(want, got.Config, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("%s\nsays otherwise, %v:\n%s", text, err, d)
	}
}

// FuzzMerge: of two files, the second over the first, the answer is that of one file
// whose tables are the union of both, with the second's values.
func FuzzMerge(f *testing.F) {
	full := conf("/g") + "driver='vfs'\ndriver_priority=['a']\nrunroot='/r'\nimagestore='/i'\ntransient_store=true\n[storage.options]\nmount_program='m'\n" +
		"additionalimagestores=['/a','/b']\nadditionallayerstores=['/c:ref']\nforce_mask=448\n[storage.options.overlay]\nmount_program='o'\nforce_mask='shared'\n"
	f.Add("", "")
	f.Add(full, "")
	f.Add("", full)
	f.Add(full, "[storage]\ndriver=''\ndriver_priority=[]\ntransient_store=false\n[storage.options]\nadditionalimagestores=[]\noverlay={mount_program=''}\n")
	f.Add(full, "storage.rootless_storage_path='/x'\nstorage.graphroot=''\nstorage.options.overlay.force_mask='700'\n[other]\nx=1979-05-27\n")
	f.Add("storage=1", "[storage]\n")
	f.Add("[storage]\nDriver='vfs'\n", "[STORAGE]\ndriver=''\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		var over map[string]any
		under := map[string]any{}
		if _, err := toml.Decode(first, &under); err != nil {
			return
		}
		if _, err := toml.Decode(second, &over); err != nil || !plainKeys(under) || !plainKeys(over) {
			return
		}
		merge(under, over)
		text, err := toml.Marshal(under)
		if err != nil {
			return // dates of strange kinds
		}
		ask := func(files map[string]string) (Config, error) {
			env := map[string]string{overrideVariable: "/o"}
			cfg, _, err := evaluate(Request{FS: newFS(files), Getenv: getenv(env), UID: 7, Home: "/h"}, RulesNew, map[string]readResult{})
			for n := range cfg.DriverOptions {
				cfg.DriverOptions[n].Source = ""
			}
			return cfg, err
		}
		got, gotErr := ask(map[string]string{adminConf: first, "/o": second})
		want, err := ask(map[string]string{adminConf: string(text), "/o": ""})
		if gotErr != nil || errors.Is(err, ErrTooComplex) || errors.Is(err, ErrTooLarge) {
			_, err1 := ask(map[string]string{adminConf: first, "/o": ""})
			_, err2 := ask(map[string]string{adminConf: "", "/o": second})
			if err == nil && err1 == nil && err2 == nil {
				t.Errorf("two good files, but together %v", gotErr)
			}
			return
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
			t.Errorf("one file says otherwise: %v\n%s\n%s", err, d, text)
		}
	})
}

// plainKeys reports whether all keys are in small letters, so that there is one
// spelling for each, and nothing appends.
func plainKeys(table map[string]any) bool {
	for key, value := range table {
		if key != strings.ToLower(key) || strings.Contains(fmt.Sprint(value), "append") {
			return false
		}
		if inner, ok := value.(map[string]any); ok && !plainKeys(inner) {
			return false
		}
	}
	return true
}

// merge puts the values of over into under.
func merge(under, over map[string]any) {
	for key, value := range over {
		have, ok := under[key].(map[string]any)
		inner, isTable := value.(map[string]any)
		if ok && isTable {
			merge(have, inner)
			continue
		}
		under[key] = value
	}
}

// FuzzUsers: the users are those of the lines that have the form; written as lines,
// they are read as the same again.
func FuzzUsers(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000:,,,:/home/u/:/bin/sh\n")
	f.Add("a:x:4294967294:1::/a/../b:\nb:x:4294967295:1::/c:\nc:x:4294967296:1::/d:\nd:x:-1:1::/e:\ne:x:+1:1::/f:\nf:x:01:::/g:")
	f.Add("#a:x:1:1::/a:\n:x:1:1::/b:\nc:x:1:1::c:\nd:x:1:1::/\x00:\ne:x:1:1::/e\nf:x:1:1::/f::\n\n+::::::\n")
	f.Add("a:x:1:1::/:\r\nb:x:0:1::/:\nc:x:2:1:://:\nd:x:0:1::/:\ne:::::/:\xff")
	line := regexp.MustCompile(`(?s)^([^:#][^:]*):[^:]*:([0-9]+):([^:]*):[^:]*:(/[^:\x00]*):[^:]*$`)
	f.Fuzz(func(t *testing.T, text string) {
		var got []User
		var err error
		fsys := newFS(map[string]string{"/etc/passwd": text})
		if used := allocated(func() { got, err = Users(fsys) }); used > 200*uint64(len(text))+1<<16 {
			t.Errorf("%d bytes for %d", used, len(text))
		}
		if err != nil {
			t.Fatal(err) // texts are short
		}
		var want []User
		var written strings.Builder
		for l := range strings.SplitSeq(text, "\n") {
			m := line.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			uid, err := strconv.ParseInt(m[2], 10, 64)
			u := User{m[1], int(uid), -1, path.Clean(m[4])}
			if gid, err := strconv.ParseUint(m[3], 10, 32); err == nil && gid <= 4294967294 && uint64(int(gid)) == gid {
				u.GID = int(gid)
			}
			if err != nil || uid > 4294967294 || int64(u.UID) != uid || slices.ContainsFunc(want, func(v User) bool { return v.Home == u.Home && (v.UID == 0) == (uid == 0) }) {
				continue
			}
			want = append(want, u)
			fmt.Fprintf(&written, "%s::%d::::\n", u.Name, u.UID)
			fmt.Fprintf(&written, "%s:x:%d:%d::%s:\n", u.Name, u.UID, u.GID, u.Home)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
		if again, err := Users(newFS(map[string]string{"/etc/passwd": written.String()})); err != nil || !slices.Equal(got, again) {
			t.Errorf("%q: %+v, then %+v, %v", text, got, again, err)
		}
	})
}

// allocated is how many bytes do takes from the heap, whether or not it keeps them.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
