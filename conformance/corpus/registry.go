package corpus

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// registry serves OCI layouts over the read-only half of the distribution protocol, byte ranges included: tools pull a
// zstd:chunked layer in parts only from a registry.
type registry struct {
	addr   string // host:port
	server *http.Server
}

// serveLayouts serves each layout below dir as the repository of its folder's name, on a free port of the loopback
// interface.
func serveLayouts(dir string) (*registry, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v2/{repo}/manifests/{ref}", func(w http.ResponseWriter, r *http.Request) {
		layout := filepath.Join(dir, r.PathValue("repo"))
		d, err := findRef(layout, r.PathValue("ref"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", d.MediaType)
		w.Header().Set("Docker-Content-Digest", d.Digest)
		serveBlob(w, r, layout, d.Digest)
	})
	mux.HandleFunc("GET /v2/{repo}/blobs/{digest}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		serveBlob(w, r, filepath.Join(dir, r.PathValue("repo")), r.PathValue("digest"))
	})
	s := &registry{addr: l.Addr().String(), server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = s.server.Serve(l) }() // ends with Close
	return s, nil
}

// Close stops serving.
func (r *registry) Close() error { return r.server.Close() }

func serveBlob(w http.ResponseWriter, r *http.Request, layout, digest string) {
	f, err := os.Open(filepath.Join(layout, "blobs", strings.Replace(digest, ":", "/", 1)))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer f.Close()
	http.ServeContent(w, r, "", time.Time{}, f)
}

type manifestRef struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
}

// findRef finds a manifest in the layout's index by tag or digest.
func findRef(layout, ref string) (manifestRef, error) {
	b, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return manifestRef{}, err
	}
	var index struct {
		Manifests []manifestRef `json:"manifests"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return manifestRef{}, err
	}
	for _, d := range index.Manifests {
		if d.Digest == ref || d.Annotations["org.opencontainers.image.ref.name"] == ref {
			return d, nil
		}
	}
	return manifestRef{}, errors.New("manifest unknown")
}
