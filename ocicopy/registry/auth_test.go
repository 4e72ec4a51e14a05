package registry

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/cstor-go/cstor/internal/registrytest"
)

func pemOf(r *registrytest.Registry) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Server.Certificate().Raw})
}

// entry is a line of a file with credentials.
func entry(key, user, password string) string {
	return fmt.Sprintf("%q: {\"auth\": %q}", key, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

func auths(entries ...string) string { return `{"auths": {` + strings.Join(entries, ",") + `}}` }

// TestAccess: both kinds of authentication, with what the file has, and without.
func TestAccess(t *testing.T) {
	for _, bearer := range []bool{false, true} {
		t.Run(fmt.Sprintf("bearer=%t", bearer), func(t *testing.T) {
			t.Parallel()
			reg := start(t, registrytest.Options{User: "me", Password: "p:w", Bearer: bearer})
			dir := t.TempDir()
			file := filepath.Join(dir, "auth.json")
			write(t, file, auths(entry(reg.Host, "me", "p:w"), entry(reg.Host+"/other", "x", "y")))
			i := newImage(t, "one", "two")
			if sent, _, err := i.send(t.Context(), open(t, reg.Host+"/app", Options{Insecure: true, AuthFile: file}), nil); err != nil || sent != 3 {
				t.Errorf("%d sent: %v", sent, err)
			}
			for name, opts := range map[string]Options{
				"wrong password": {Insecure: true, Username: "me", Password: "no"},
				"none":           {Insecure: true},
			} {
				r := open(t, reg.Host+"/app", opts)
				if err := r.Writable(t.Context()); !errors.Is(err, ErrDenied) || strings.Contains(err.Error(), "no\"") {
					t.Errorf("%s: %v", name, err)
				}
			}
			err := open(t, reg.Host+"/other/app", Options{Insecure: true, AuthFile: file}).Writable(t.Context())
			if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), file) {
				t.Errorf("another's entry: %v", err)
			}
			write(t, file, "{")
			if err := open(t, reg.Host+"/app", Options{Insecure: true, AuthFile: file}).Writable(t.Context()); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("a broken file: %v", err)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSearch: which entry of which file is taken.
func TestSearch(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_RUNTIME_DIR", home+"/run")
	t.Setenv("PATH", home+"/bin:"+os.Getenv("PATH"))
	helper := func(name, script string) {
		write(t, home+"/bin/docker-credential-"+name, "#!/bin/sh\n"+script)
		if err := os.Chmod(home+"/bin/docker-credential-"+name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	helper("good", `read server; test "$1" = get && echo "{\"ServerURL\":\"$server\",\"Username\":\"of $server\",\"Secret\":\"s\"}"`)
	helper("token", `echo '{"Username":"<token>","Secret":"refresh"}'`)
	helper("none", `echo "credentials not found in native keychain"; exit 1`)
	helper("bad", `echo "locked"; exit 1`)
	helper("garbage", `echo "secret"`)
	user := func(name string) auth.Credential { return auth.Credential{Username: name, Password: "p"} }
	const (
		run    = "run/containers/auth.json"
		config = ".config/containers/auth.json"
		docker = ".docker/config.json"
		legacy = ".dockercfg"
	)
	for _, tt := range []struct {
		name  string
		ref   string // quay.io/a/b
		files map[string]string
		env   map[string]string
		want  auth.Credential
		fails string
	}{
		{name: "nothing"},
		{name: "the runtime folder's first", files: map[string]string{
			run: auths(entry("quay.io", "run", "p")), config: auths(entry("quay.io", "config", "p")), docker: auths(entry("quay.io", "docker", "p")),
		}, want: user("run")},
		{name: "then the user's", files: map[string]string{
			run: auths(entry("docker.io", "run", "p")), config: auths(entry("quay.io", "config", "p")), docker: auths(entry("quay.io", "docker", "p")),
		}, want: user("config")},
		{name: "then docker's", files: map[string]string{docker: auths(entry("quay.io", "docker", "p"))}, want: user("docker")},
		{name: "docker's elsewhere", env: map[string]string{"DOCKER_CONFIG": home + "/elsewhere"}, files: map[string]string{
			docker: auths(entry("quay.io", "docker", "p")), "elsewhere/config.json": auths(entry("quay.io", "elsewhere", "p")),
		}, want: user("elsewhere")},
		{name: "docker's of long ago", files: map[string]string{legacy: `{` + entry("https://quay.io/v1/", "old", "p") + `}`}, want: user("old")},
		{name: "by the variable, alone", env: map[string]string{"REGISTRY_AUTH_FILE": home + "/named.json"}, files: map[string]string{
			run: auths(entry("quay.io", "run", "p")), "named.json": auths(entry("docker.io", "named", "p")),
		}},
		{name: "what fits best", files: map[string]string{
			run: auths(entry("quay.io", "host", "p"), entry("quay.io/a", "part", "p"), entry("quay.io/a/b/c", "more", "p"), entry("quay.io/a/bb", "other", "p")),
		}, want: user("part")},
		{name: "the repository itself", files: map[string]string{run: auths(entry("quay.io/a", "part", "p"), entry("quay.io/a/b", "all", "p"))}, want: user("all")},
		{name: "a URL", files: map[string]string{docker: auths(entry("https://quay.io/v2/", "url", "p"))}, want: user("url")},
		{name: "docker's index", ref: "alpine", files: map[string]string{docker: auths(entry("https://index.docker.io/v1/", "hub", "p"))}, want: user("hub")},
		{name: "another port", ref: "quay.io:5000/a", files: map[string]string{run: auths(entry("quay.io", "host", "p"))}},
		{name: "a token", files: map[string]string{run: `{"auths": {"quay.io": {"auth": "dTpw", "identitytoken": "t"}}}`}, want: auth.Credential{RefreshToken: "t"}},
		{name: "a helper of the registry", files: map[string]string{run: `{"auths": {"quay.io": {}}, "credHelpers": {"quay.io": "good"}}`}, want: auth.Credential{Username: "of quay.io", Password: "s"}},
		{name: "a helper with a token", files: map[string]string{run: `{"credHelpers": {"quay.io": "token"}}`}, want: auth.Credential{RefreshToken: "refresh"}},
		{name: "a helper that has none", files: map[string]string{run: `{"credHelpers": {"quay.io": "none"}}`, docker: auths(entry("quay.io", "docker", "p"))}, want: user("docker")},
		{name: "docker's store", files: map[string]string{docker: `{"auths": {"quay.io": {}}, "credsStore": "good"}`}, want: auth.Credential{Username: "of quay.io", Password: "s"}},
		{name: "docker's store and index", ref: "alpine", files: map[string]string{docker: `{"credsStore": "good"}`}, want: auth.Credential{Username: "of https://index.docker.io/v1/", Password: "s"}},
		{name: "a helper that fails", files: map[string]string{run: `{"credHelpers": {"quay.io": "bad"}}`}, fails: "locked"},
		{name: "a helper that is not there", files: map[string]string{run: `{"credHelpers": {"quay.io": "missing"}}`}, fails: "docker-credential-missing"},
		{name: "a helper that is a path", files: map[string]string{run: `{"credHelpers": {"quay.io": "x/../../bin/good"}}`}, fails: "not the name of a helper"},
		{name: "a helper that talks", files: map[string]string{run: `{"credHelpers": {"quay.io": "garbage"}}`}, fails: "not JSON"},
		{name: "not base64", files: map[string]string{run: `{"auths": {"quay.io": {"auth": "!secret!"}}}`}, fails: "base64"},
		{name: "not JSON", files: map[string]string{run: `{"auths": `}, fails: run},
		{name: "too long", files: map[string]string{run: strings.Repeat(" ", maxAuthFile+1)}, fails: "not a file with credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			for name, text := range tt.files {
				name = filepath.Join(home, name)
				write(t, name, text)
				defer os.Remove(name)
			}
			if tt.ref == "" {
				tt.ref = "quay.io/a/b:1"
			}
			name, err := parseReference(tt.ref)
			if err != nil {
				t.Fatal(err)
			}
			c, err := newCredentials(name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.find(t.Context())
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}
