package storageconf

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzDiscover reads one text as main file, drop-in or override. Whatever it
// holds, the answer has clean absolute paths or is a SourceError on one line, is
// the same when asked again, and comes soon.
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
		res, err := Discover(req)
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
