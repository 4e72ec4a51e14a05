package storageconf

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// conf is a storage.conf that sets graphroot.
func conf(graphRoot string) string { return "[storage]\ngraphroot = \"" + graphRoot + "\"\n" }

const (
	userConfPath = "/home/u/.config/containers/storage.conf"
	userRoot     = "/home/u/.local/share/containers/storage"
)

func home(vars ...string) map[string]string {
	m := map[string]string{"HOME": "/home/u"}
	for i := 0; i < len(vars); i += 2 {
		m[vars[i]] = vars[i+1]
	}
	return m
}

// TestFiles says which files decide on graphroot, by both rules. An empty
// expectation means that these rules give no answer.
func TestFiles(t *testing.T) {
	t.Parallel()
	const root, user = 0, 1000
	all := map[string]string{userConfPath: conf("/user"), adminConf: conf("/etc-root"), vendorConf: conf("/usr-root")}
	for _, tc := range []struct {
		name             string
		uid              int
		env              map[string]string
		files            map[string]string
		byNew, byOld     string
		configFile, home string
	}{
		{name: "root, no file", uid: root, env: home(), byNew: defaultGraphRoot, byOld: defaultGraphRoot},
		{name: "root, no home either", uid: root, byNew: defaultGraphRoot, byOld: defaultGraphRoot},
		{name: "root, all files: one is read", uid: root, env: home(), files: all, byNew: "/user", byOld: "/etc-root"},
		{name: "root, system files", uid: root, env: home(), files: map[string]string{adminConf: conf("/etc-root"), vendorConf: conf("/usr-root")}, byNew: "/etc-root", byOld: "/etc-root"},
		{name: "root, vendor file", uid: root, env: home(), files: map[string]string{vendorConf: conf("/usr-root")}, byNew: "/usr-root", byOld: "/usr-root"},
		{
			name: "exactly one main file: unset keys are not looked up further", uid: root, env: home(),
			files: map[string]string{adminConf: "[storage]\n", vendorConf: conf("/usr-root")}, byNew: defaultGraphRoot, byOld: defaultGraphRoot,
		},
		{name: "rootless, no file", uid: user, env: home(), byNew: userRoot, byOld: userRoot},
		{name: "rootless, own file", uid: user, env: home(), files: all, byNew: "/user", byOld: "/user"},
		{name: "rootless, system graphroot", uid: user, env: home(), files: map[string]string{adminConf: conf("/etc-root")}, byNew: "/etc-root", byOld: userRoot},
		{name: "rootless, HOME unset, Request.Home", uid: user, home: "/home/u", files: all, byNew: "/user", byOld: "/user"},
		{name: "rootless, HOME wins over Request.Home", uid: user, env: home(), home: "/other", files: all, byNew: "/user", byOld: "/user"},

		{
			name: "XDG_CONFIG_HOME set", uid: user, env: home("XDG_CONFIG_HOME", "/xdg"),
			files: with(all, map[string]string{"/xdg/containers/storage.conf": conf("/xdg-root")}), byNew: "/xdg-root", byOld: "/xdg-root",
		},
		{name: "XDG_CONFIG_HOME set, file missing: HOME is not looked at", uid: user, env: home("XDG_CONFIG_HOME", "/xdg"), files: all, byNew: "/etc-root", byOld: userRoot},
		{
			name: "XDG_CONFIG_HOME empty: relative for new rules, unset for a user's old", uid: user, env: home("XDG_CONFIG_HOME", ""),
			files: with(all, map[string]string{"/cwd/containers/storage.conf": conf("/cwd-root")}), byNew: "/cwd-root", byOld: "/user",
		},
		{
			name: "XDG_CONFIG_HOME, root: old rules prefer system files", uid: root, env: home("XDG_CONFIG_HOME", "/xdg"),
			files: with(all, map[string]string{"/xdg/containers/storage.conf": conf("/xdg-root")}), byNew: "/xdg-root", byOld: "/etc-root",
		},
		{
			name: "XDG_CONFIG_HOME, root, no system files", uid: root, env: home("XDG_CONFIG_HOME", "/xdg"),
			files: map[string]string{"/xdg/containers/storage.conf": conf("/xdg-root")}, byNew: "/xdg-root", byOld: "/xdg-root",
		},
		{
			name: "XDG_CONFIG_HOME, root: old rules fill unset roots from it", uid: root, env: home("XDG_CONFIG_HOME", "/xdg"),
			files: map[string]string{"/xdg/containers/storage.conf": conf("/xdg-root"), adminConf: "[storage]\n"}, byNew: "/xdg-root", byOld: "/xdg-root",
		},

		{
			name: "CONF names the only main file, no drop-ins", uid: root, env: home(confVariable, "/c.conf"),
			files: with(all, map[string]string{"/c.conf": conf("/c"), "/etc/containers/storage.conf.d/1.conf": conf("/drop")}), byNew: "/c", byOld: "/c",
		},
		{name: "CONF, rootless", uid: user, env: home(confVariable, "/c.conf"), files: with(all, map[string]string{"/c.conf": conf("/c")}), byNew: "/c", byOld: "/c"},
		{name: "CONF empty: unset for new, fatal for old", uid: root, env: home(confVariable, ""), files: all, byNew: "/user"},
		{
			name: "--storage-conf beats CONF", uid: root, env: home(confVariable, "/c.conf"), configFile: "/f.conf",
			files: map[string]string{"/c.conf": conf("/c"), "/f.conf": conf("/f")}, byNew: "/f", byOld: "/f",
		},
		{
			name: "OVERRIDE is last, for new rules only", uid: root, env: home(overrideVariable, "/o.conf"),
			files: with(all, map[string]string{"/o.conf": conf("/o"), "/etc/containers/storage.conf.d/1.conf": conf("/drop")}), byNew: "/o", byOld: "/etc-root",
		},
		{
			name: "OVERRIDE over CONF", uid: root, env: home(confVariable, "/c.conf", overrideVariable, "/o.conf"),
			files: map[string]string{"/c.conf": conf("/c"), "/o.conf": conf("/o")}, byNew: "/o", byOld: "/c",
		},
		{name: "OVERRIDE empty is unset", uid: root, env: home(overrideVariable, ""), files: all, byNew: "/user", byOld: "/etc-root"},

		{name: "an attribute in a list: no answer by old rules", uid: root, env: home(), files: map[string]string{adminConf: conf("/g") + "driver_priority = ['vfs', {append=true}]\n"}, byNew: "/g"},
		{
			name: "a user's broken file is as an empty one to old rules", uid: user, env: home("XDG_CONFIG_HOME", ""),
			files: map[string]string{userConfPath: "[", adminConf: conf("/etc-root")}, byNew: "/etc-root", byOld: userRoot,
		},

		{name: "drop-ins: root", uid: root, env: home(), files: map[string]string{
			"/usr/share/containers/storage.conf.d/10.conf": conf("/a"), "/etc/containers/storage.rootful.conf.d/20.conf": conf("/rootful"),
			"/etc/containers/storage.rootless.conf.d/30.conf": conf("/rootless"),
		}, byNew: "/rootful", byOld: defaultGraphRoot},
		{name: "drop-ins: rootless", uid: user, env: home(), files: map[string]string{
			"/etc/containers/storage.rootful.conf.d/30.conf": conf("/rootful"), "/etc/containers/storage.rootless.conf.d/20.conf": conf("/rootless"),
		}, byNew: "/rootless", byOld: userRoot},
		{name: "drop-ins: uid", uid: user, env: home(), files: map[string]string{
			"/usr/share/containers/storage.rootless.conf.d/1000/30.conf": conf("/mine"), "/etc/containers/storage.rootless.conf.d/1001/40.conf": conf("/hers"),
		}, byNew: "/mine", byOld: userRoot},
		{name: "drop-ins: user's, after main file", uid: user, env: home(), files: with(all, map[string]string{userConfPath + ".d/1.conf": conf("/mine")}), byNew: "/mine", byOld: "/user"},
		{name: "drop-ins: base names order over all directories", uid: root, env: home(), files: map[string]string{
			"/usr/share/containers/storage.conf.d/20-b.conf": conf("/b"), "/etc/containers/storage.conf.d/10-a.conf": conf("/a"),
			"/etc/containers/storage.rootful.conf.d/15-c.conf": conf("/c"),
		}, byNew: "/b", byOld: defaultGraphRoot},
		{name: "drop-ins: equal names, /etc replaces /usr", uid: root, env: home(), files: map[string]string{
			"/usr/share/containers/storage.rootful.conf.d/1.conf": conf("/usr"), "/etc/containers/storage.conf.d/1.conf": conf("/etc"),
		}, byNew: "/etc", byOld: defaultGraphRoot},
		{name: "drop-ins: equal names, rootful replaces plain", uid: root, env: home(), files: map[string]string{
			"/etc/containers/storage.rootful.conf.d/1.conf": conf("/rootful"), "/etc/containers/storage.conf.d/1.conf": conf("/plain"),
		}, byNew: "/rootful", byOld: defaultGraphRoot},
		{name: "drop-ins: equal names, uid replaces rootless, user's replaces all", uid: user, env: home(), files: map[string]string{
			"/etc/containers/storage.rootless.conf.d/1000/1.conf": conf("/uid"), "/etc/containers/storage.rootless.conf.d/1.conf": conf("/rootless"),
			"/etc/containers/storage.rootless.conf.d/1000/2.conf": conf("/uid2"), userConfPath + ".d/2.conf": conf("/mine"),
		}, byNew: "/mine", byOld: userRoot},
		{name: "drop-ins: an empty replacement hides", uid: root, env: home(), files: map[string]string{
			"/usr/share/containers/storage.conf.d/1.conf": conf("/usr"), "/etc/containers/storage.conf.d/1.conf": "",
		}, byNew: defaultGraphRoot, byOld: defaultGraphRoot},
		{name: "drop-ins: directories and other names do not count", uid: root, env: home(), files: map[string]string{
			"/etc/containers/storage.conf.d/1.conf/": "", "/etc/containers/storage.conf.d/2.conf~": conf("/x"), "/etc/containers/storage.conf.d/3.toml": conf("/x"),
			"/etc/containers/storage.conf.d/conf": conf("/x"), "/etc/containers/storage.conf.d/4.conf": "-> /nowhere",
		}, byNew: defaultGraphRoot, byOld: defaultGraphRoot},
		{name: "drop-ins: a directory does not replace", uid: root, env: home(), files: map[string]string{
			"/etc/containers/storage.conf.d/1.conf/": "", "/usr/share/containers/storage.conf.d/1.conf": conf("/usr"),
		}, byNew: "/usr", byOld: defaultGraphRoot},
		{name: "drop-ins: .conf alone is a name", uid: root, env: home(), files: map[string]string{"/etc/containers/storage.conf.d/.conf": conf("/dot")}, byNew: "/dot", byOld: defaultGraphRoot},
		{name: "drop-ins: linked file", uid: root, env: home(), files: map[string]string{
			"/etc/containers/storage.conf.d/1.conf": "-> ../../../opt/x", "/opt/x": conf("/linked"),
		}, byNew: "/linked", byOld: defaultGraphRoot},

		{name: "_CONTAINERS_ROOTLESS_UID: the user's storage inside podman unshare", uid: root, env: home("_CONTAINERS_ROOTLESS_UID", "1000"), byNew: userRoot, byOld: userRoot},
		{
			name: "_CONTAINERS_ROOTLESS_UID decides on drop-ins", uid: root, env: home("_CONTAINERS_ROOTLESS_UID", "1000"),
			files: map[string]string{"/etc/containers/storage.rootless.conf.d/1000/1.conf": conf("/mine")}, byNew: "/mine", byOld: userRoot,
		},
		{name: "_CONTAINERS_ROOTLESS_UID malformed is 0", uid: user, env: home("_CONTAINERS_ROOTLESS_UID", "x"), byNew: defaultGraphRoot, byOld: defaultGraphRoot},
		{name: "_CONTAINERS_ROOTLESS_UID empty is unset", uid: user, env: home("_CONTAINERS_ROOTLESS_UID", ""), byNew: userRoot, byOld: userRoot},
		{name: "HOME below a file", uid: root, env: map[string]string{"HOME": "/dev/null"}, files: map[string]string{"/dev/null": ""}, byNew: defaultGraphRoot, byOld: defaultGraphRoot},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req := Request{FS: newFS(tc.files), Getenv: getenv(tc.env), UID: tc.uid, Home: tc.home, ConfigFile: tc.configFile}
			got := map[Rules]string{}
			for _, rules := range []Rules{RulesNew, RulesOld} {
				cfg, trace, err := evaluate(req, rules, make(map[string]readResult))
				if err != nil {
					dumpTrace(t, trace)
					t.Logf("%v: %v", rules, err)
				}
				got[rules] = cfg.GraphRoot
			}
			if diff := cmp.Diff(map[Rules]string{RulesNew: tc.byNew, RulesOld: tc.byOld}, got); diff != "" {
				t.Errorf("graph roots (-want +got):\n%s", diff)
			}
			res, err := Discover(req)
			if err != nil {
				t.Fatal(err)
			}
			differ := tc.byOld != "" && tc.byOld != tc.byNew
			if (res.Other != nil) != differ {
				t.Errorf("Other = %+v, differ %v", res.Other, differ)
			}
			if tc.byOld == "" && !hasStep(res.Trace, RulesOld, KindRule, "old rules", StateError) {
				t.Error("the trace does not say why the old rules give no answer")
			}
		})
	}
}

// TestFaults are configurations that the new rules refuse.
func TestFaults(t *testing.T) {
	t.Parallel()
	admin := func(text string) map[string]string { return map[string]string{adminConf: text} }
	manyBig, manySmall := map[string]string{}, map[string]string{}
	for i := range maxDropIns + 1 {
		name := fmt.Sprintf("/etc/containers/storage.conf.d/%04d.conf", i)
		manySmall[name] = ""
		if i <= maxTotalSize/maxFileSize {
			manyBig[name] = strings.Repeat("\n", maxFileSize)
		}
	}
	lines := strings.Repeat("# filler\n", maxFileSize/9)
	for _, tc := range []struct {
		name  string
		env   map[string]string
		files map[string]string
		deny  map[string]error
		req   Request // further fields
		want  error   // nil: only SourceError
		at    SourceError
	}{
		{name: "CONF missing", env: home(confVariable, "/no"), want: fs.ErrNotExist, at: SourceError{Source: "$" + confVariable, Value: "/no"}},
		{name: "OVERRIDE missing", env: home(overrideVariable, "/no"), want: fs.ErrNotExist, at: SourceError{Source: "$" + overrideVariable, Value: "/no"}},
		{name: "--storage-conf missing", req: Request{ConfigFile: "/no"}, want: fs.ErrNotExist, at: SourceError{Source: "--storage-conf", Value: "/no"}},
		{name: "main file unreadable", deny: map[string]error{adminConf: fs.ErrPermission}, want: fs.ErrPermission, at: SourceError{Source: adminConf}},
		{name: "drop-in directory unreadable", deny: map[string]error{adminConf + ".d": fs.ErrPermission}, want: fs.ErrPermission, at: SourceError{Source: adminConf + ".d"}},
		{name: "syntax", files: admin("[storage]\n# c\ndriver = \n"), want: toml.ParseError{}, at: SourceError{Source: adminConf, Line: 3, Key: "storage.driver"}},
		{name: "syntax in a drop-in", files: map[string]string{"/etc/containers/storage.conf.d/1.conf": "[storage\n"}, want: toml.ParseError{}, at: SourceError{Source: "/etc/containers/storage.conf.d/1.conf", Line: 2}},
		{name: "key twice", files: admin("[storage]\ndriver='a'\ndriver='b'\n"), want: toml.ParseError{}, at: SourceError{Source: adminConf, Line: 3, Key: "storage.driver"}},
		{name: "key twice, in two spellings", files: admin("[storage]\ndriver='a'\nDriver='b'\n"), want: ErrSyntax, at: SourceError{Source: adminConf}},
		{name: "not UTF-8", files: admin("\xff\xfe[\x00"), want: toml.ParseError{}, at: SourceError{Source: adminConf, Line: 1}},
		{name: "wrong type", files: admin("[storage]\n\ndriver = 1\n"), at: SourceError{Source: adminConf, Line: 3, Key: "storage.driver"}},
		{name: "force_mask as a string outside of the overlay table", files: admin("[storage.options]\nforce_mask = \"shared\"\n"), at: SourceError{Source: adminConf, Line: 2, Key: "storage.options.force_mask"}},
		{name: "force_mask as an integer in the overlay table", files: admin("[storage.options.overlay]\nforce_mask = 0o755\n"), at: SourceError{Source: adminConf, Line: 2, Key: "storage.options.overlay.force_mask"}},
		{name: "list attribute unknown", files: admin("[storage]\ndriver_priority = ['a', {prepend=true}]\n"), at: SourceError{Source: adminConf, Line: 2, Key: "storage.driver_priority"}},
		{name: "list attribute not a boolean", files: admin("[storage]\ndriver_priority = ['a', {append=1}]\n"), at: SourceError{Source: adminConf, Line: 2, Key: "storage.driver_priority"}},
		{name: "list of numbers", files: admin("[storage]\ndriver_priority = [1]\n"), at: SourceError{Source: adminConf, Line: 2, Key: "storage.driver_priority"}},
		{name: "list is a string", files: admin("[storage]\ndriver_priority = 'a'\n"), at: SourceError{Source: adminConf, Line: 2, Key: "storage.driver_priority"}},
		{name: "file too large", files: admin(lines + "[storage]\n"), want: ErrTooLarge, at: SourceError{Source: adminConf}},
		{name: "files too large together", files: manyBig, want: ErrTooLarge, at: SourceError{Source: "/etc/containers/storage.conf.d/0016.conf"}},
		{name: "too many drop-ins", files: manySmall, want: ErrTooLarge, at: SourceError{Source: adminConf + ".d"}},
		{name: "dotted key too deep", files: admin(strings.Repeat("a.", maxLineDots+1) + "a = 1\n"), want: ErrTooComplex, at: SourceError{Source: adminConf}},
		{name: "dotted key too deep after what looks like a comment", files: admin("#\r" + strings.Repeat("a.", maxLineDots+1) + "a = 1\n"), want: ErrTooComplex, at: SourceError{Source: adminConf}},
		{name: "dotted key too deep behind a string that looks like a comment", files: admin("a = ['''\n#''', {" + strings.Repeat("a.", maxLineDots+1) + "a = 1}]\n"), want: ErrTooComplex, at: SourceError{Source: adminConf}},
		{name: "inline tables too deep", files: admin("a=" + strings.Repeat("{a=\n", maxBraces+1)), want: ErrTooComplex, at: SourceError{Source: adminConf}},

		{name: "graphroot relative", files: admin(conf("x")), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.graphroot", Value: "x"}},
		{name: "graphroot relative, through ..", files: admin(conf("../x")), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.graphroot", Value: "../x"}},
		{name: "graphroot empty after expansion", files: admin(conf("$NONE")), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.graphroot"}},
		{name: "graphroot with NUL", files: admin(conf(`/x\u0000y`)), want: ErrControl, at: SourceError{Source: adminConf, Key: "storage.graphroot", Value: "/x\x00y"}},
		{name: "graphroot with newline", files: admin(conf(`/x\ny`)), want: ErrControl, at: SourceError{Source: adminConf, Key: "storage.graphroot", Value: "/x\ny"}},
		{name: "newline from the environment", env: home("E", "/x\ny"), files: admin(conf("$E")), want: ErrControl, at: SourceError{Source: adminConf, Key: "storage.graphroot", Value: "/x\ny"}},
		{name: "runroot relative", files: admin("[storage]\nrunroot='run'\n"), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.runroot", Value: "run"}},
		{name: "imagestore relative", files: admin("[storage]\nimagestore='i'\n"), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.imagestore", Value: "i"}},
		{name: "imagestore is not expanded", env: home("E", "/x"), files: admin("[storage]\nimagestore='$E/i'\n"), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.imagestore", Value: "$E/i"}},
		{name: "rootless path relative", req: Request{UID: 7}, files: admin("[storage]\nrootless_storage_path='i'\n"), want: ErrRelative, at: SourceError{Source: adminConf, Key: "storage.rootless_storage_path", Value: "i"}},
		{name: "additional image store relative", files: admin("[storage.options]\nadditionalimagestores=['/a,b']\n"), want: ErrRelative, at: SourceError{Source: adminConf, Value: "imagestore=/a,b"}},
		{name: "additional image store after a blank", files: admin("[storage.options]\nadditionalimagestores=['/a, /b']\n"), want: ErrRelative, at: SourceError{Source: adminConf, Value: "imagestore=/a, /b"}},
		{name: "additional layer store: unknown flag", files: admin("[storage.options]\nadditionallayerstores=['/a:x']\n"), want: ErrSyntax, at: SourceError{Source: adminConf, Value: "additionallayerstore=/a:x"}},
		{name: "additional layer store: ref twice", files: admin("[storage.options]\nadditionallayerstores=['/a:ref:ref']\n"), want: ErrSyntax, at: SourceError{Source: adminConf, Value: "additionallayerstore=/a:ref:ref"}},
		{name: "STORAGE_OPTS without =", env: home("STORAGE_OPTS", "x"), want: ErrSyntax, at: SourceError{Source: "$STORAGE_OPTS", Value: "x"}},
		{name: "STORAGE_OPTS with a blank item", env: home("STORAGE_OPTS", "a=b,"), want: ErrSyntax, at: SourceError{Source: "$STORAGE_OPTS"}},
		{name: "STORAGE_OPTS with an unknown driver", env: home("STORAGE_OPTS", "foo.a=b"), want: ErrSyntax, at: SourceError{Source: "$STORAGE_OPTS", Value: "foo.a=b"}},
		{name: "driver with a slash", env: home("STORAGE_DRIVER", "../x"), want: ErrDriver, at: SourceError{Key: "driver", Value: "../x"}},
		{name: "flag relative", req: Request{RunRoot: "x"}, want: ErrRelative, at: SourceError{Source: "--runroot", Value: "x"}},
		{name: "no home", env: map[string]string{}, req: Request{UID: 7}, want: ErrNoHome, at: SourceError{Source: "$HOME"}},
		{name: "relative home", env: map[string]string{"HOME": "h"}, req: Request{UID: 7}, want: ErrRelative, at: SourceError{Source: "$HOME", Value: "h/.local/share/containers/storage"}},
		{name: "relative XDG_DATA_HOME", env: home("XDG_DATA_HOME", "d"), req: Request{UID: 7}, want: ErrRelative, at: SourceError{Source: "$XDG_DATA_HOME", Value: "d/containers/storage"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req := tc.req
			if tc.env == nil {
				tc.env = home()
			}
			m := newFS(tc.files)
			m.deny = tc.deny
			req.FS, req.Getenv = m, getenv(tc.env)
			res, err := Discover(req)
			se, ok := errors.AsType[*SourceError](err)
			if !ok {
				t.Fatalf("error %v, result %+v", err, res.Config)
			}
			if len(res.Trace) == 0 {
				t.Error("no trace with the error")
			}
			if got := (SourceError{se.Source, se.Line, se.Key, se.Value, nil}); got != tc.at {
				t.Errorf("place:\n got %#v\nwant %#v", got, tc.at)
			}
			if _, parse := tc.want.(toml.ParseError); parse { //nolint:errorlint // a value of the table, not an error that came back
				if _, ok := errors.AsType[toml.ParseError](err); !ok {
					t.Errorf("%v is no parse error", err)
				}
			} else if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("not one line: %q", err)
			}
			t.Log(err)
		})
	}
}
