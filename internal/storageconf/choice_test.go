package storageconf

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChoice says whose answer counts where the rules differ. The system's file
// sets graphroot /sys, as those of old distributions do, so that a rootless
// user's new graph root is /sys and his old one is in his home.
func TestChoice(t *testing.T) {
	t.Parallel()
	const user = 1000
	sys := conf("/sys")
	for _, tc := range []struct {
		name        string
		uid         int
		env         []string
		files       map[string]string
		deny        map[string]error
		root, other string
		rules       Rules
	}{
		{name: "neither exists", uid: user, root: "/sys", other: userRoot},
		{name: "the old one exists", uid: user, files: map[string]string{userRoot + "/overlay-images/": ""}, root: userRoot, other: "/sys", rules: RulesOld},
		{name: "layers alone are a store", uid: user, files: map[string]string{userRoot + "/vfs-layers/": ""}, root: userRoot, other: "/sys", rules: RulesOld},
		{name: "a bare directory is none", uid: user, files: map[string]string{userRoot + "/overlay/": ""}, root: "/sys", other: userRoot},
		{name: "a file is none", uid: user, files: map[string]string{userRoot + "/overlay-images": ""}, root: "/sys", other: userRoot},
		{name: "a store of another driver is none", uid: user, env: []string{"STORAGE_DRIVER", "vfs"}, files: map[string]string{userRoot + "/overlay-images/": ""}, root: "/sys", other: userRoot},
		{name: "the new one exists", uid: user, files: map[string]string{"/sys/overlay-images/": ""}, root: "/sys", other: userRoot},
		{name: "both exist", uid: user, files: map[string]string{"/sys/overlay-images/": "", userRoot + "/overlay-images/": ""}, root: "/sys", other: userRoot},
		{name: "both exist, the new one is root's", uid: user, files: map[string]string{
			"/sys/": "0 755", "/sys/overlay-images/": "", userRoot + "/": "1000 700", userRoot + "/overlay-images/": "",
		}, root: userRoot, other: "/sys", rules: RulesOld},
		{name: "both exist, both are the user's", uid: user, files: map[string]string{
			"/sys/": "1000 755", "/sys/overlay-images/": "", userRoot + "/": "1000 700", userRoot + "/overlay-images/": "",
		}, root: "/sys", other: userRoot},
		{name: "only root's exists", uid: user, files: map[string]string{"/sys/": "0 755", "/sys/overlay-images/": ""}, root: "/sys", other: userRoot},
		{name: "inside podman unshare own files belong to 0", env: []string{"_CONTAINERS_ROOTLESS_UID", "1000"}, files: map[string]string{
			"/sys/": "65534 755", "/sys/overlay-images/": "", userRoot + "/": "0 700", userRoot + "/overlay-images/": "",
		}, root: userRoot, other: "/sys", rules: RulesOld},
		{
			name: "one that cannot be looked at does not exist", uid: user, files: map[string]string{"/sys/overlay-images/": "", userRoot + "/overlay-images/": ""},
			deny: map[string]error{"/sys/overlay-images": fs.ErrPermission}, root: userRoot, other: "/sys", rules: RulesOld,
		},
		{name: "root: both are the same", root: "/sys"},
		{
			name: "root: owners do not matter", files: map[string]string{"/sys/": "7 755", "/sys/overlay-images/": "", "/old/": "0 755", "/old/overlay-images/": "", userConfPath: sys, adminConf: conf("/old")},
			root: "/sys", other: "/old",
		},
		{name: "root: drop-in and old store", files: map[string]string{adminConf + ".d/1.conf": conf("/drop"), "/sys/overlay-layers/": ""}, root: "/sys", other: "/drop", rules: RulesOld},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newFS(with(map[string]string{adminConf: sys}, tc.files))
			m.deny = tc.deny
			res, err := Discover(Request{FS: m, Getenv: getenv(home(tc.env...)), UID: tc.uid})
			if err != nil {
				t.Fatal(err)
			}
			other := ""
			if res.Other != nil {
				other = res.Other.GraphRoot
				if res.Other.Rules == res.Rules {
					t.Errorf("both answers are by %v", res.Rules)
				}
				if !hasStep(res.Trace, res.Other.Rules, KindRule, "choice", StateIgnored) {
					t.Error("the trace does not name the other answer")
				}
			}
			if res.GraphRoot != tc.root || other != tc.other || res.Rules != tc.rules {
				dumpTrace(t, res.Trace)
				t.Errorf("got %q by %v, other %q; want %q by %v, other %q", res.GraphRoot, res.Rules, other, tc.root, tc.rules, tc.other)
			}
			if !hasStep(res.Trace, res.Rules, KindRule, "choice", StateUsed) {
				t.Error("the trace does not name the choice")
			}
		})
	}
}

// TestOther says which differences are reported, the graph root being one.
func TestOther(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		drop   string // a drop-in, which only new rules read
		differ bool
	}{
		{"nothing", "", false},
		{"the same place by another name", "graphroot = '/link'", false},
		{"runroot", "runroot = '/r'", false},
		{"runroot of a transient store", "runroot = '/r'\ntransient_store = true", true},
		{"driver", "driver = 'vfs'", true},
		{"driver_priority", "driver_priority = ['vfs']", true},
		{"imagestore", "imagestore = '/i'", true},
		{"image stores", "[storage.options]\nadditionalimagestores = ['/a']", true},
		{"layer stores", "[storage.options]\nadditionallayerstores = ['/a']", true},
		{"force_mask", "[storage.options.overlay]\nforce_mask = 'shared'", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			res, err := Discover(Request{FS: newFS(map[string]string{
				"/link": "-> /var/lib/containers/storage", "/var/lib/containers/storage/": "", adminConf + ".d/1.conf": "[storage]\n" + tc.drop,
			})})
			if err != nil {
				t.Fatal(err)
			}
			if (res.Other != nil) != tc.differ {
				t.Errorf("Other = %+v", res.Other)
			}
		})
	}
}

// TestTrace checks that what is considered, and why nothing comes of it, is said.
func TestTrace(t *testing.T) {
	t.Parallel()
	res, err := Discover(Request{UID: 1000, Getenv: getenv(home("XDG_RUNTIME_DIR", "/x", overrideVariable, "/o.conf")), FS: newFS(map[string]string{
		adminConf: "unknown = 1\n[storage]\ngraphroot = '/g/$UID'\nfoo = [{a = 1}]\n[storage.options]\nimagestore = '/i'\nsize = ''\n" +
			"pull_options = {a = 'b'}\nadditionalimagestores = [{append = true}]\n[storage.options.thinpool]\nx = 1\n",
		"/etc/containers/storage.conf.d/1.conf":       "",
		"/usr/share/containers/storage.conf.d/1.conf": "",
		"/o.conf": "[storage]\ndriver = 'vfs'\n",
	})})
	if err != nil {
		t.Fatal(err)
	}
	var got []Step
	for _, s := range res.Trace {
		if s.Rules == RulesNew {
			s.Why = ""
			got = append(got, s)
		}
	}
	want := []Step{
		{Kind: KindRule, Name: "user", State: StateUsed},
		{Kind: KindFile, Name: userConfPath, State: StateMissing},
		{Kind: KindFile, Name: adminConf, State: StateUsed},
		{Kind: KindKey, Name: "unknown", State: StateIgnored},
		{Kind: KindKey, Name: "storage.foo", State: StateIgnored},
		{Kind: KindKey, Name: "storage.options.imagestore", State: StateIgnored},
		{Kind: KindKey, Name: "storage.options.thinpool", State: StateIgnored},
		{Kind: KindFile, Name: vendorConf, State: StateIgnored},
		{Kind: KindDirectory, Name: userConfPath + ".d", State: StateMissing},
		{Kind: KindDirectory, Name: "/etc/containers/storage.rootless.conf.d/1000", State: StateMissing},
		{Kind: KindDirectory, Name: "/etc/containers/storage.rootless.conf.d", State: StateMissing},
		{Kind: KindDirectory, Name: "/etc/containers/storage.conf.d", State: StateUsed},
		{Kind: KindDirectory, Name: "/usr/share/containers/storage.rootless.conf.d/1000", State: StateMissing},
		{Kind: KindDirectory, Name: "/usr/share/containers/storage.rootless.conf.d", State: StateMissing},
		{Kind: KindFile, Name: "/usr/share/containers/storage.conf.d/1.conf", State: StateIgnored},
		{Kind: KindDirectory, Name: "/usr/share/containers/storage.conf.d", State: StateUsed},
		{Kind: KindFile, Name: "/etc/containers/storage.conf.d/1.conf", State: StateUsed},
		{Kind: KindVariable, Name: overrideVariable, State: StateUsed},
		{Kind: KindFile, Name: "/o.conf", State: StateUsed},
		{Kind: KindVariable, Name: "XDG_RUNTIME_DIR", State: StateUsed},
		{Kind: KindDefault, Name: "runroot", State: StateUsed},
		{Kind: KindKey, Name: "storage.graphroot", State: StateUsed},
		{Kind: KindRule, Name: "choice", State: StateUsed},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		dumpTrace(t, res.Trace)
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNoFS(t *testing.T) {
	t.Parallel()
	if _, err := Discover(Request{}); !errors.Is(err, errNoFS) {
		t.Errorf("got %v", err)
	}
}

// countFS counts reads by path.
type countFS struct {
	memFS
	reads map[string]int
}

func (c countFS) ReadFile(p string) ([]byte, error) {
	c.reads[p]++
	return c.memFS.ReadFile(p)
}

// TestOneRead: both rules judge the same bytes, even if a file changes meanwhile.
func TestOneRead(t *testing.T) {
	t.Parallel()
	c := countFS{newFS(map[string]string{adminConf: conf("/g"), userConfPath: "[storage]\n"}), make(map[string]int)}
	if _, err := Discover(Request{FS: c, Getenv: getenv(home()), UID: 1000}); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{adminConf: 1, userConfPath: 1}
	if diff := cmp.Diff(want, c.reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}
