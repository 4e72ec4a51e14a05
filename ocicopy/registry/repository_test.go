package registry

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor/internal/registrytest"
	"github.com/cstor-go/cstor/ocicopy"
)

// TestSend: what is there is not sent again, and a tag comes last.
func TestSend(t *testing.T) {
	t.Parallel()
	reg := start(t, registrytest.Options{})
	i := newImage(t, "base", strings.Repeat("large", 1<<18), "top")
	r := open(t, reg.Host+"/team/app:1", plain)
	if err := r.Writable(t.Context()); err != nil {
		t.Fatal(err)
	}
	var told atomic.Int64
	sent, reused, err := i.send(t.Context(), r, func(n int64) { told.Add(n) })
	if want := 4 + 5<<18 + 3 + i.config.Size; err != nil || sent != 4 || reused != 0 || told.Load() != want {
		t.Fatalf("%d sent, %d reused, %d bytes told, want %d: %v", sent, reused, told.Load(), want, err)
	}
	for _, d := range append(i.layers, i.config) {
		if !bytes.Equal(reg.Blob("team/app", d.Digest), i.blobs[d.Digest]) {
			t.Errorf("%s: %d bytes are there, of %d", d.Digest, len(reg.Blob("team/app", d.Digest)), d.Size)
		}
	}
	if raw, mediaType := reg.Manifest("team/app", "1"); digest.FromBytes(raw) != i.manifest.Digest || mediaType != v1.MediaTypeImageManifest {
		t.Errorf("the tag names %q, %s", raw, mediaType)
	}
	uploads := reg.Count("PUT /v2/team/app/blobs/")
	if sent, reused, err = i.send(t.Context(), r, nil); err != nil || sent != 0 || reused != 4 {
		t.Errorf("again: %d sent, %d reused: %v", sent, reused, err)
	}
	reg.Remove("team/app", i.layers[1].Digest)
	if sent, reused, err = i.send(t.Context(), r, nil); err != nil || sent != 1 || reused != 3 {
		t.Errorf("repaired: %d sent, %d reused: %v", sent, reused, err)
	}
	if n := reg.Count("PUT /v2/team/app/blobs/") - uploads; n != 1 {
		t.Errorf("%d blobs were sent again, want 1:\n%s", n, strings.Join(reg.Log(), "\n"))
	}
}

// TestMount: blobs of other repositories are not sent, if the registry knows them there.
func TestMount(t *testing.T) {
	t.Parallel()
	for _, bearer := range []bool{false, true} {
		reg := start(t, registrytest.Options{User: "u", Password: "p", Bearer: bearer})
		opts := Options{Insecure: true, Username: "u", Password: "p"}
		base, app := newImage(t, "base"), newImage(t, "base", "top")
		if _, _, err := base.send(t.Context(), open(t, reg.Host+"/base", opts), nil); err != nil {
			t.Fatal(err)
		}
		opts.MountFrom = []string{"Not A Name", "team/app", "none", "base"}
		sent, reused, err := app.send(t.Context(), open(t, reg.Host+"/team/app", opts), nil)
		if err != nil || sent != 1 || reused != 2 {
			t.Errorf("%d sent, %d reused: %v", sent, reused, err)
		}
		if raw, _ := reg.Manifest("team/app", "latest"); raw == nil {
			t.Error("no manifest")
		}
		if n := reg.Count("POST /v2/team/app/blobs/uploads/ mount from base 201"); n != 2 {
			t.Errorf("%d were mounted:\n%s", n, strings.Join(reg.Log(), "\n"))
		}
	}
}

// TestOpen: the ways into a registry.
func TestOpen(t *testing.T) {
	t.Parallel()
	https, http := start(t, registrytest.Options{TLS: true}), start(t, registrytest.Options{})
	certs := t.TempDir()
	if err := os.WriteFile(filepath.Join(certs, "ca.crt"), pemOf(https), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	for _, tt := range []struct {
		name, ref string
		opts      Options
		want      error
	}{
		{"TLS by a certificate of ours", https.Host + "/a", Options{CertDir: certs}, nil},
		{"any certificate", https.Host + "/a", Options{Insecure: true}, nil},
		{"an unknown certificate", https.Host + "/a", Options{}, ErrCertificate},
		{"plain", http.Host + "/a", Options{Insecure: true}, nil},
		{"plain, where that was not allowed", http.Host + "/a", Options{}, ErrPlainHTTP},
		{"no certificates", https.Host + "/a", Options{CertDir: certs + "/no"}, os.ErrNotExist},
		{"no file with credentials", https.Host + "/a", Options{AuthFile: certs + "/no"}, os.ErrNotExist},
		{"not a reference", "https://x/y", Options{}, ocicopy.ErrReference},
		{"upper case", "localhost/NAME", Options{}, ocicopy.ErrReference},
		{"a digest", "localhost/a@" + digest.FromString("x").String(), Options{}, ocicopy.ErrReference},
		{"empty", "", Options{}, ocicopy.ErrReference},
	} {
		if _, err := Open(t.Context(), tt.ref, tt.opts); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := Open(t.Context(), nobody+"/a", plain); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody there: %v", err)
	}
	for ref, want := range map[string]string{"alpine": "docker.io/library/alpine:latest", "localhost:5000/a:1": "localhost:5000/a:1"} {
		if name, err := parseReference(ref); err != nil || name.String() != want {
			t.Errorf("%s: %v, %v", ref, name, err)
		}
	}
}
