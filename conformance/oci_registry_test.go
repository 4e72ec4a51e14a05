package conformance

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/conformance/registry"
)

const (
	anImage      = "docker.io/library/fixture:gzip"
	anEmptyImage = "docker.io/library/empty:latest"
)

// uploads counts the blobs that were sent to a repository.
func uploads(r *registry.Registry, repository string) int {
	return r.Count("PUT", "/v2/"+repository+"/blobs/uploads/")
}

// tagged is the digest of the manifest that a tag names, "" if there is none.
func tagged(t *testing.T, r *registry.Registry, repository, tag, user, password string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://"+r.Host+"/v2/"+repository+"/manifests/"+tag, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", v1.MediaTypeImageManifest)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // a HEAD has none
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return resp.Header.Get("Docker-Content-Digest")
}

// TestRegistry copies into Debian's registry, and asks its log what was sent.
func TestRegistry(t *testing.T) {
	needRoot(t)
	s := named(t, "machine-root")
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		r := startRegistry(t, registry.Options{})
		digests, _ := copyToOCI(t, s, "--tls-verify=false", anImage, "docker://"+r.Host+"/team/app:1")
		sent := uploads(r, "team/app")
		if sent < 3 {
			t.Errorf("%d blobs were sent:\n%s", sent, r.Log())
		}
		again, said := copyToOCI(t, s, "--tls-verify=false", anImage, "docker://"+r.Host+"/team/app:2")
		if again[0] != digests[0] || uploads(r, "team/app") != sent || !strings.Contains(said, "of which were there") {
			t.Errorf("%s again, %d blobs were sent:\n%s", again, uploads(r, "team/app")-sent, said)
		}
		for _, tag := range []string{"1", "2"} {
			if got := tagged(t, r, "team/app", tag, "", ""); got != digests[0] {
				t.Errorf("tag %s names %q, want %s", tag, got, digests[0])
			}
		}
	})
	t.Run("with password and TLS", func(t *testing.T) {
		t.Parallel()
		r := startRegistry(t, registry.Options{TLS: true, Users: map[string]string{"me": "se:cret"}})
		auth := filepath.Join(t.TempDir(), "auth.json")
		entry := base64.StdEncoding.EncodeToString([]byte("me:se:cret"))
		if err := os.WriteFile(auth, fmt.Appendf(nil, `{"auths": {"%s/other": {"auth": "bm86bm8="}, "%s": {"auth": "%s"}}}`, r.Host, r.Host, entry), 0o600); err != nil {
			t.Fatal(err)
		}
		to := "docker://" + r.Host + "/app"
		copyToOCI(t, s, "--cert-dir", r.Certs, "--authfile", auth, anImage, to)
		copyToOCI(t, s, "--tls-verify=false", "--creds", "me:se:cret", anEmptyImage, to+":2")
		if n := uploads(r, "app"); n < 4 {
			t.Errorf("%d blobs were sent:\n%s", n, r.Log())
		}
		for want, args := range map[string][]string{
			"certificate":   {"--creds", "me:se:cret", anImage, to},
			"access denied": {"--cert-dir", r.Certs, "--creds", "me:wrong", anImage, to},
			"podman login":  {"--cert-dir", r.Certs, "--authfile", auth, anImage, "docker://" + r.Host + "/other/app"},
		} {
			if _, said, err := tryCopyToOCI(t.Context(), t, s, args...); err == nil || !strings.Contains(said, want) || strings.Contains(said, "cret") {
				t.Errorf("%v: %v: %s", args, err, said)
			}
		}
		if n := r.Count("PUT", "/v2/other/"); n != 0 {
			t.Errorf("%d blobs were sent with a wrong password", n)
		}
	})
	t.Run("as podman logs in", func(t *testing.T) {
		t.Parallel()
		r := startRegistry(t, registry.Options{Users: map[string]string{"me": "secret"}})
		auth := filepath.Join(t.TempDir(), "auth.json")
		login := exec.CommandContext(t.Context(), "skopeo", "login", "--tls-verify=false", "--authfile", auth, "-u", "me", "-p", "secret", r.Host)
		if out, err := login.CombinedOutput(); err != nil {
			if errors.Is(err, exec.ErrNotFound) && os.Getenv("CSTOR_REQUIRE_PEERS") != "1" {
				t.Skip("skopeo missing: install skopeo")
			}
			t.Fatalf("%v: %s", err, out)
		}
		digests, _ := copyToOCI(t, s, "--tls-verify=false", "--authfile", auth, anImage, "docker://"+r.Host+"/app")
		if got := tagged(t, r, "app", "latest", "me", "secret"); got != digests[0] {
			t.Errorf("the tag names %q, want %s", got, digests[0])
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		r := startRegistry(t, registry.Options{})
		interrupted(t, r, func(ctx context.Context, host string) (string, error) {
			_, said, err := tryCopyToOCI(ctx, t, s, "--tls-verify=false", anImage, "docker://"+host+"/app")
			return said, err
		})
	})
}

// interrupted interrupts a copy when it sends its last blobs, by a proxy that does not pass them on, and then makes it again:
// what had arrived is not sent a second time.
func interrupted(t *testing.T, r *registry.Registry, copyTo func(ctx context.Context, host string) (string, error)) {
	t.Helper()
	target, err := url.Parse("http://" + r.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var blobs atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPut && blobs.Add(1) > 2 {
			interrupt()
			<-req.Context().Done()
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	defer server.CloseClientConnections()
	said, err := copyTo(ctx, strings.TrimPrefix(server.URL, "http://"))
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 130 || !strings.Contains(said, "interrupted") {
		t.Errorf("%v: %s", err, said)
	}
	before := uploads(r, "app")
	if before != 2 || r.Count("PUT", "/v2/app/manifests/") != 0 {
		t.Fatalf("%d blobs had arrived:\n%s", before, r.Log())
	}
	if said, err := copyTo(t.Context(), r.Host); err != nil || !strings.Contains(said, "of which were there") {
		t.Errorf("%v: %s", err, said)
	}
	whole := startRegistry(t, registry.Options{})
	if said, err := copyTo(t.Context(), whole.Host); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	if all := uploads(whole, "app"); uploads(r, "app") != all {
		t.Errorf("%d blobs were sent in two times, %d at once:\n%s", uploads(r, "app"), all, r.Log())
	}
}
