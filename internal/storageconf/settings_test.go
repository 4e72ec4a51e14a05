package storageconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSettings says what becomes of keys and variables. Both rules agree unless
// old says otherwise.
func TestSettings(t *testing.T) {
	t.Parallel()
	const root, user = 0, 1000
	rootful := func(change func(*Config)) *Config {
		c := Config{GraphRoot: defaultGraphRoot, RunRoot: defaultRunRoot}
		change(&c)
		return &c
	}
	rootless := func(change func(*Config)) *Config {
		c := Config{GraphRoot: userRoot, RunRoot: "/run/user/1000/containers", Rootless: true, UID: user}
		change(&c)
		return &c
	}
	none := func(*Config) {}
	admin := func(text string) map[string]string { return map[string]string{adminConf: text} }
	own := func(text string) map[string]string { return map[string]string{userConfPath: text} }
	dropIns := func(texts ...string) map[string]string {
		m := make(map[string]string)
		for i, text := range texts {
			m["/etc/containers/storage.conf.d/"+string(rune('a'+i))+".conf"] = text
		}
		return m
	}
	for _, tc := range []struct {
		name  string
		uid   int
		env   []string
		files map[string]string
		flags Request
		want  *Config
		old   *Config // nil: as want
	}{
		{name: "defaults, root", want: rootful(none)},
		{name: "defaults, rootless", uid: user, want: rootless(none)},
		{name: "all keys", files: admin(`[storage]
driver = "overlay"
driver_priority = ["vfs", "overlay"]
graphroot = "/g"
runroot = "/r"
imagestore = "/i"
transient_store = true
[storage.options]
additionalimagestores = ["/a", "/b"]
additionallayerstores = ["/l", "/m:ref"]
mount_program = "/mp"
force_mask = 0o700
[storage.options.overlay]
force_mask = "shared"
`), want: rootful(func(c *Config) {
			c.Driver, c.DriverPriority, c.GraphRoot, c.RunRoot, c.ImageStore, c.Transient = "overlay", []string{"vfs", "overlay"}, "/g", "/r", "/i", true
			c.AdditionalImageStores = []string{"/a", "/b"}
			c.AdditionalLayerStores = []LayerStore{{"/l", false}, {"/m", true}}
			c.MountProgram, c.ForceMask = "/mp", "shared"
		})},
		{
			name: "integer force_mask becomes octal", files: admin("[storage]\ndriver='overlay'\n[storage.options]\nforce_mask = 448\n"),
			want: rootful(func(c *Config) { c.Driver, c.ForceMask = "overlay", "700" }),
		},
		{
			name: "overlay table beats options table", files: admin("[storage]\ndriver='overlay'\n[storage.options]\nmount_program='/a'\n[storage.options.overlay]\nmount_program='/b'\n"),
			want: rootful(func(c *Config) { c.Driver, c.MountProgram = "overlay", "/b" }),
		},
		{
			name: "overlay table without a driver: not for old rules", files: admin("[storage.options.overlay]\nmount_program='/b'\n"),
			want: rootful(func(c *Config) { c.MountProgram = "/b" }), old: rootful(none),
		},
		{
			name: "overlay table with vfs", files: admin("[storage]\ndriver='vfs'\n[storage.options.overlay]\nmount_program='/b'\n"),
			want: rootful(func(c *Config) { c.Driver = "vfs" }),
		},
		{
			name: "vfs: mount_program and layer stores are of no use, image stores are", files: admin("[storage]\ndriver='vfs'\n[storage.options]\nmount_program='/b'\nadditionallayerstores=['/l']\nadditionalimagestores=['/a']\n[storage.options.vfs]\nignore_chown_errors='true'\n"),
			want: rootful(func(c *Config) { c.Driver, c.AdditionalImageStores = "vfs", []string{"/a"} }),
		},
		{name: "keys in any case", files: admin("[Storage]\nGraphRoot = '/g'\n"), want: rootful(func(c *Config) { c.GraphRoot = "/g" })},
		{name: "imagestore under options has no effect", files: admin("[storage.options]\nimagestore = '/i'\n"), want: rootful(none)},
		{name: "imagestore that is the graph root", files: admin("[storage]\nimagestore = '/var/lib/containers/storage/'\n"), want: rootful(none)},
		{name: "imagestore is literal but clean", files: admin("[storage]\nimagestore = '/i/$UID/../x/'\n"), want: rootful(func(c *Config) { c.ImageStore = "/i/x" })},
		{
			name: "image stores split at commas", files: admin("[storage.options]\nadditionalimagestores = ['/a,/b/../c', '', ' /d ']\n"),
			want: rootful(func(c *Config) { c.AdditionalImageStores = []string{"/a", "/c", "/d"} }),
		},
		{
			name: "layer stores split at commas", files: admin("[storage.options]\nadditionallayerstores = ['/a:ref,/b']\n"),
			want: rootful(func(c *Config) { c.AdditionalLayerStores = []LayerStore{{"/a", true}, {"/b", false}} }),
		},
		{
			name: "overlay2 is overlay", files: admin("[storage]\ndriver = 'overlay2'\n[storage.options.overlay]\nmount_program='/b'\n"),
			want: rootful(func(c *Config) { c.Driver, c.MountProgram = "overlay", "/b" }),
		},

		{
			name: "merge: later files win, others stay", files: with(admin("[storage]\ndriver='vfs'\ngraphroot='/g'\nrunroot='/r'\n"), dropIns("[storage]\ngraphroot='/h'\n", "[storage]\nrunroot='/s'\n")),
			want: rootful(func(c *Config) { c.Driver, c.GraphRoot, c.RunRoot = "vfs", "/h", "/s" }),
			old:  rootful(func(c *Config) { c.Driver, c.GraphRoot, c.RunRoot = "vfs", "/g", "/r" }),
		},
		{
			name: "merge: an empty or false value wins too", files: with(admin("[storage]\ngraphroot='/g'\ntransient_store=true\n"), dropIns("[storage]\ngraphroot=''\ntransient_store=false\n")),
			want: rootful(none), old: rootful(func(c *Config) { c.GraphRoot, c.Transient = "/g", true }),
		},
		{
			name: "merge: a table does not replace a table", files: dropIns("[storage.options]\nmount_program='/a'\n[storage.options.overlay]\nforce_mask='private'\n", "[storage.options.overlay]\nmount_program='/b'\n"),
			want: rootful(func(c *Config) { c.MountProgram, c.ForceMask = "/b", "private" }), old: rootful(none),
		},
		{
			name: "lists: later replaces", files: dropIns("[storage]\ndriver_priority=['a']\n", "[storage]\ndriver_priority=['b']\n"),
			want: rootful(func(c *Config) { c.DriverPriority = []string{"b"} }), old: rootful(none),
		},
		{
			name: "lists: append", files: dropIns("[storage.options]\nadditionalimagestores=['/a']\n", "[storage.options]\nadditionalimagestores=[{append=true}, '/b']\n"),
			want: rootful(func(c *Config) { c.AdditionalImageStores = []string{"/a", "/b"} }), old: rootful(none),
		},
		{
			name: "lists: append is sticky", files: dropIns("[storage]\ndriver_priority=['a', {append=true}]\n", "[storage]\ndriver_priority=['b']\n", "[storage]\ndriver_priority=['c']\n"),
			want: rootful(func(c *Config) { c.DriverPriority = []string{"a", "b", "c"} }), old: rootful(none),
		},
		{
			name: "lists: append=false ends it", files: dropIns("[storage]\ndriver_priority=['a', {append=true}]\n", "[storage]\ndriver_priority=['b', {append=false}]\n", "[storage]\ndriver_priority=['c']\n"),
			want: rootful(func(c *Config) { c.DriverPriority = []string{"c"} }), old: rootful(none),
		},
		{
			name: "lists: each key has its own mark", files: dropIns("[storage]\ndriver_priority=['a', {append=true}]\n[storage.options]\nadditionalimagestores=['/a']\n", "[storage.options]\nadditionalimagestores=['/b']\n"),
			want: rootful(func(c *Config) { c.DriverPriority, c.AdditionalImageStores = []string{"a"}, []string{"/b"} }), old: rootful(none),
		},

		{
			name: "expansion: UID and environment", uid: user, env: []string{"D", "/data"}, files: own("[storage]\ngraphroot='$D/$UID/${D}x$UID'\nrunroot='/r/$UIDx'\n"),
			want: rootless(func(c *Config) { c.GraphRoot, c.RunRoot = "/data/1000/datax1000", "/r/1000x" }),
		},
		{
			name: "expansion: the uid is the rootless one", env: []string{"_CONTAINERS_ROOTLESS_UID", "1000", "XDG_RUNTIME_DIR", "/x"}, files: own("[storage]\ngraphroot='/g/$UID'\n"),
			want: rootless(func(c *Config) { c.GraphRoot, c.RunRoot = "/g/1000", "/x/containers" }),
		},
		{
			name: "expansion: ${UID} is a variable", env: []string{"UID", "u"}, files: admin("[storage]\ngraphroot='/g/${UID}/$UID'\n"),
			want: rootful(func(c *Config) { c.GraphRoot = "/g/u/0" }),
		},
		{
			name: "expansion: links, then ..", files: with(admin("[storage]\ngraphroot='/link/../x'\nrunroot='/link'\n"), map[string]string{"/link": "-> far/away", "/far/away/": "", "/far/x/": ""}),
			want: rootful(func(c *Config) { c.GraphRoot, c.RunRoot = "/far/x", "/far/away" }),
		},
		{
			name: "expansion: a missing path is cleaned by name", files: with(admin("[storage]\ngraphroot='/link/../x//y/'\n"), map[string]string{"/link": "-> far/away", "/far/away/": ""}),
			want: rootful(func(c *Config) { c.GraphRoot = "/x/y" }),
		},
		{name: ".. stays below the root", files: admin("[storage]\ngraphroot='/../../g'\n"), want: rootful(func(c *Config) { c.GraphRoot = "/g" })},
		{
			name: "expansion: default roots only by old rules", files: map[string]string{"/var/lib/containers": "-> /data", "/data/storage/": ""},
			want: rootful(none), old: rootful(func(c *Config) { c.GraphRoot = "/data/storage" }),
		},

		{name: "rootless_storage_path: expanded", uid: user, files: own("[storage]\nrootless_storage_path='$HOME/s/$UID'\n"), want: rootless(func(c *Config) { c.GraphRoot = "/home/u/s/1000" })},
		{name: "rootless_storage_path: graphroot beats it", uid: user, files: own("[storage]\nrootless_storage_path='/p'\ngraphroot='/g'\n"), want: rootless(func(c *Config) { c.GraphRoot = "/g" })},
		{
			name: "rootless_storage_path: of the system", uid: user, files: admin("[storage]\nrootless_storage_path='/p'\nrunroot='/r'\n"),
			want: rootless(func(c *Config) { c.GraphRoot, c.RunRoot = "/p", "/r" }), old: rootless(func(c *Config) { c.GraphRoot = "/p" }),
		},
		{
			name: "rootless_storage_path: system graphroot beats it, for new rules", uid: user, files: admin("[storage]\nrootless_storage_path='/p'\ngraphroot='/g'\n"),
			want: rootless(func(c *Config) { c.GraphRoot = "/g" }), old: rootless(func(c *Config) { c.GraphRoot = "/p" }),
		},
		{
			name: "rootless_storage_path: inherited beside an own file, for old rules", uid: user, files: with(admin("[storage]\nrootless_storage_path='/p'\n"), own("[storage]\ndriver='vfs'\n")),
			want: rootless(func(c *Config) { c.Driver = "vfs" }), old: rootless(func(c *Config) { c.Driver, c.GraphRoot = "vfs", "/p" }),
		},
		{
			name: "rootless_storage_path: root does not have it, but by old rules", files: admin("[storage]\nrootless_storage_path='/p'\n"),
			want: rootful(none), old: rootful(func(c *Config) { c.GraphRoot = "/p" }),
		},

		{
			name: "old rules: what a user inherits", uid: user, files: admin("[storage]\ndriver='vfs'\ndriver_priority=['vfs']\nimagestore='/i'\ntransient_store=true\n[storage.options]\nadditionalimagestores=['/a']\n"),
			want: rootless(func(c *Config) {
				c.Driver, c.DriverPriority, c.ImageStore, c.Transient, c.AdditionalImageStores = "vfs", []string{"vfs"}, "/i", true, []string{"/a"}
			}), old: rootless(func(c *Config) { c.Driver = "vfs" }),
		},
		{
			name: "old rules: priority is inherited without a driver", uid: user, files: admin("[storage]\ndriver_priority=['vfs']\n"),
			want: rootless(func(c *Config) { c.DriverPriority = []string{"vfs"} }),
		},
		{
			name: "old rules: zfs is no driver for users", uid: user, files: admin("[storage]\ndriver='zfs'\n"),
			want: rootless(func(c *Config) { c.Driver = "zfs" }), old: rootless(none),
		},
		{
			name: "old rules: the user's file replaces all", uid: user, files: with(admin("[storage]\ndriver='vfs'\nrunroot='/r'\n"), own("[storage]\ngraphroot='/g'\n")),
			want: rootless(func(c *Config) { c.GraphRoot = "/g" }),
		},

		{name: "XDG_DATA_HOME", uid: user, env: []string{"XDG_DATA_HOME", "/data/"}, want: rootless(func(c *Config) { c.GraphRoot = "/data/containers/storage" })},
		{name: "XDG_DATA_HOME empty", uid: user, env: []string{"XDG_DATA_HOME", ""}, want: rootless(none)},
		{name: "XDG_DATA_HOME says nothing to root", env: []string{"XDG_DATA_HOME", "/data/"}, want: rootful(none)},

		{name: "STORAGE_DRIVER", env: []string{"STORAGE_DRIVER", "overlay2"}, files: admin("[storage]\ndriver='vfs'\n"), want: rootful(func(c *Config) { c.Driver = "overlay" })},
		{name: "STORAGE_DRIVER empty", env: []string{"STORAGE_DRIVER", ""}, files: admin("[storage]\ndriver='vfs'\n"), want: rootful(func(c *Config) { c.Driver = "vfs" })},
		{name: "STORAGE_DRIVER without a file: not for old rules' root", env: []string{"STORAGE_DRIVER", "vfs"}, want: rootful(func(c *Config) { c.Driver = "vfs" }), old: rootful(none)},
		{name: "STORAGE_DRIVER, rootless", uid: user, env: []string{"STORAGE_DRIVER", "vfs"}, want: rootless(func(c *Config) { c.Driver = "vfs" })},
		{
			name: "STORAGE_OPTS replaces", env: []string{"STORAGE_OPTS", "imagestore=/a, Overlay.AdditionalImageStore = /b,vfs.imagestore=/c,overlay2.additionallayerstore=/l:ref,size=1,.force_mask=private"},
			files: admin("[storage]\ndriver='overlay'\nimagestore='/i'\n[storage.options]\nmount_program='/m'\nadditionalimagestores=['/z']\n"),
			want: rootful(func(c *Config) {
				c.Driver, c.ImageStore, c.AdditionalImageStores, c.AdditionalLayerStores, c.ForceMask = "overlay", "/i", []string{"/a", "/b"}, []LayerStore{{"/l", true}}, "private"
			}),
		},
		{name: "STORAGE_OPTS empty removes all", env: []string{"STORAGE_OPTS", ""}, files: admin("[storage.options]\nadditionalimagestores=['/z']\n"), want: rootful(none)},
		{
			name: "STORAGE_OPTS of vfs", env: []string{"STORAGE_OPTS", "vfs.imagestore=/c,overlay.imagestore=/d,zfs.x=y"}, files: admin("[storage]\ndriver='vfs'\n"),
			want: rootful(func(c *Config) { c.Driver, c.AdditionalImageStores = "vfs", []string{"/c"} }),
		},
		{name: "STORAGE_OPTS, rootless without a file", uid: user, env: []string{"STORAGE_OPTS", "imagestore=/a"}, want: rootless(func(c *Config) { c.AdditionalImageStores = []string{"/a"} })},

		{
			name: "flags", uid: user, flags: Request{RunRoot: "/fr/", Driver: "overlay2", ImageStore: "/fi"}, env: []string{"STORAGE_DRIVER", "vfs"},
			files: own("[storage]\ngraphroot='/g'\nimagestore='/i'\n[storage.options]\nadditionalimagestores=['/z']\n"),
			want: rootless(func(c *Config) {
				c.GraphRoot, c.RunRoot, c.Driver, c.ImageStore, c.AdditionalImageStores = "/g", "/fr", "overlay", "/fi", []string{"/z"}
			}),
		},
		{
			name: "flags: a driver reads the options as its own", flags: Request{Driver: "vfs"}, env: []string{"STORAGE_OPTS", "vfs.imagestore=/c,overlay.imagestore=/d"},
			want: rootful(func(c *Config) { c.Driver, c.AdditionalImageStores = "vfs", []string{"/c"} }), old: rootful(func(c *Config) { c.Driver = "vfs" }),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req := tc.flags
			files := with(map[string]string{"/run/user/1000/": "1000 700"}, tc.files)
			req.FS, req.Getenv, req.UID = newFS(files), getenv(home(tc.env...)), tc.uid
			want := map[Rules]*Config{RulesNew: tc.want, RulesOld: tc.old}
			if tc.old == nil {
				want[RulesOld] = tc.want
			}
			for rules, want := range want {
				cfg, trace, err := evaluate(req, rules, make(map[string]readResult))
				if err != nil {
					t.Errorf("%v: %v", rules, err)
				}
				cfg.DriverOptions, cfg.Rules = nil, 0
				if diff := cmp.Diff(*want, cfg); diff != "" {
					dumpTrace(t, trace)
					t.Errorf("%v (-want +got):\n%s", rules, diff)
				}
			}
		})
	}
}

// TestRuntimeDir covers the run root of a rootless user for whom no file sets one.
func TestRuntimeDir(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		uid   int
		env   []string
		files map[string]string
		want  string
	}{
		{name: "XDG_RUNTIME_DIR", uid: 1000, env: []string{"XDG_RUNTIME_DIR", "/x"}, want: "/x/containers"},
		{name: "XDG_RUNTIME_DIR through a link", uid: 1000, env: []string{"XDG_RUNTIME_DIR", "/x"}, files: map[string]string{"/x": "-> /y", "/y/": ""}, want: "/y/containers"},
		{name: "XDG_RUNTIME_DIR relative", uid: 1000, env: []string{"XDG_RUNTIME_DIR", "x"}},
		{name: "XDG_RUNTIME_DIR empty", uid: 1000, env: []string{"XDG_RUNTIME_DIR", ""}, files: map[string]string{"/run/user/1000/": "1000 700"}, want: "/run/user/1000/containers"},
		{name: "/run/user", uid: 1000, files: map[string]string{"/run/user/1000/": "1000 755"}, want: "/run/user/1000/containers"},
		{name: "/run/user of another", uid: 1000, files: map[string]string{"/run/user/1000/": "1001 700"}, want: "/tmp/storage-run-1000/containers"},
		{name: "/run/user writable by a group", uid: 1000, files: map[string]string{"/run/user/1000/": "1000 770"}, want: "/tmp/storage-run-1000/containers"},
		{name: "/run/user unusable by its owner", uid: 1000, files: map[string]string{"/run/user/1000/": "1000 500"}, want: "/tmp/storage-run-1000/containers"},
		{name: "/run/user of unknown owner", uid: 1000, files: map[string]string{"/run/user/1000/": ""}, want: "/tmp/storage-run-1000/containers"},
		{name: "inside podman unshare the owner is 0", env: []string{"_CONTAINERS_ROOTLESS_UID", "1000"}, files: map[string]string{"/run/user/1000/": "0 700"}, want: "/run/user/1000/containers"},
		{name: "TMPDIR", uid: 1000, env: []string{"TMPDIR", "/t"}, want: "/t/storage-run-1000/containers"},
		{name: "TMPDIR relative", uid: 1000, env: []string{"TMPDIR", "t"}},
		{name: "temporary directory of another", uid: 1000, files: map[string]string{"/tmp/storage-run-1000/": "1001 700"}},
		{name: "temporary directory is a file", uid: 1000, files: map[string]string{"/tmp/storage-run-1000": ""}},
		{name: "own temporary directory", uid: 1000, files: map[string]string{"/tmp/storage-run-1000/": "1000 700"}, want: "/tmp/storage-run-1000/containers"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			res, err := Discover(Request{FS: newFS(tc.files), Getenv: getenv(home(tc.env...)), UID: tc.uid})
			if err != nil {
				t.Fatal(err)
			}
			if res.RunRoot != tc.want {
				dumpTrace(t, res.Trace)
				t.Errorf("got %q, want %q", res.RunRoot, tc.want)
			}
		})
	}
}
