package registrytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// route finds what a request is about: /v2/NAME/KIND/REST.
func (r *Registry) route(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	for _, kind := range []string{"/blobs/uploads/", "/blobs/", "/manifests/"} {
		name, rest, ok := strings.Cut(path, kind)
		if !ok {
			continue
		}
		switch kind + req.Method {
		case "/blobs/uploads/POST":
			r.begin(w, req, name)
		case "/blobs/uploads/PUT":
			r.take(w, req, name)
		case "/blobs/uploads/DELETE":
			w.WriteHeader(http.StatusNoContent)
		case "/blobs/HEAD", "/blobs/GET":
			serve(w, req, r.Blob(name, digest.Digest(rest)), rest, "application/octet-stream")
		case "/manifests/HEAD", "/manifests/GET":
			raw, mediaType := r.Manifest(name, rest)
			serve(w, req, raw, digest.FromBytes(raw).String(), mediaType)
		case "/manifests/PUT":
			r.tag(w, req, name, rest)
		default:
			fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", req.Method)
		}
		return
	}
	fail(w, http.StatusNotFound, "NAME_UNKNOWN", path)
}

func serve(w http.ResponseWriter, req *http.Request, raw []byte, d, mediaType string) {
	if raw == nil {
		fail(w, http.StatusNotFound, "BLOB_UNKNOWN", req.URL.Path)
		return
	}
	w.Header().Set("Docker-Content-Digest", d)
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(http.StatusOK)
	if req.Method == http.MethodGet {
		_, _ = w.Write(raw) // the client may be gone
	}
}

// begin starts an upload, or mounts a blob instead.
func (r *Registry) begin(w http.ResponseWriter, req *http.Request, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := req.URL.Query()
	if raw, ok := r.blobs[q.Get("from")+"@"+q.Get("mount")]; ok {
		r.blobs[name+"@"+q.Get("mount")] = raw
		w.Header().Set("Location", "/v2/"+name+"/blobs/"+q.Get("mount"))
		w.Header().Set("Docker-Content-Digest", q.Get("mount"))
		w.WriteHeader(http.StatusCreated)
		return
	}
	r.sessions++
	w.Header().Set("Location", fmt.Sprintf("/v2/%s/blobs/uploads/%d", name, r.sessions))
	w.WriteHeader(http.StatusAccepted)
}

// take ends an upload.
func (r *Registry) take(w http.ResponseWriter, req *http.Request, name string) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client is gone
	}
	d := req.URL.Query().Get("digest")
	if digest.FromBytes(raw).String() != d {
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", "the content has another digest")
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[name+"@"+d] = raw
	w.Header().Set("Docker-Content-Digest", d)
	w.WriteHeader(http.StatusCreated)
}

// tag takes a manifest, all of whose blobs are there.
func (r *Registry) tag(w http.ResponseWriter, req *http.Request, name, ref string) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client is gone
	}
	var m struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		fail(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, blob := range append(m.Layers, m.Config) {
		if _, ok := r.blobs[name+"@"+blob.Digest]; !ok {
			fail(w, http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", blob.Digest)
			return
		}
	}
	d := digest.FromBytes(raw).String()
	r.manifests[name+":"+ref] = manifest{req.Header.Get("Content-Type"), raw}
	r.manifests[name+":"+d] = r.manifests[name+":"+ref]
	w.Header().Set("Docker-Content-Digest", d)
	w.WriteHeader(http.StatusCreated)
}
