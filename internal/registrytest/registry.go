package registrytest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
)

// Options of [New].
type Options struct {
	// TLS: with a certificate that nobody has signed but httptest.
	TLS bool
	// User and Password are wanted if they are not empty.
	User, Password string
	// Bearer wants them for a token, by which then requests are let in.
	Bearer bool
	// Intercept, if not nil, sees each request first. It reports whether it has answered.
	Intercept func(w http.ResponseWriter, r *http.Request) bool
}

// Registry is one. It is safe for concurrent use.
type Registry struct {
	// Host is HOST:PORT.
	Host string
	// Server is what it runs in.
	Server *httptest.Server

	opts Options

	mu        sync.Mutex
	log       []string
	sessions  int
	blobs     map[string][]byte // by REPOSITORY@DIGEST
	manifests map[string]manifest
}

type manifest struct {
	mediaType string
	raw       []byte
}

// New starts a registry; the caller calls Close.
func New(opts Options) *Registry {
	r := &Registry{opts: opts, blobs: map[string][]byte{}, manifests: map[string]manifest{}}
	r.Server = httptest.NewUnstartedServer(r)
	r.Server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that give up are what tests are about
	if opts.TLS {
		r.Server.StartTLS()
	} else {
		r.Server.Start()
	}
	r.Host = r.Server.Listener.Addr().String()
	return r
}

// Close stops it, and waits for requests.
func (r *Registry) Close() { r.Server.Close() }

// Log lists the requests so far, in the order in which they were answered: "METHOD PATH
// STATUS", with " mount from NAME" before STATUS where that was asked for.
func (r *Registry) Log() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// Count tells how many requests of the log begin so.
func (r *Registry) Count(prefix string) (n int) {
	for _, line := range r.Log() {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// Blob returns a blob of a repository, or nil.
func (r *Registry) Blob(repository string, d digest.Digest) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blobs[repository+"@"+d.String()]
}

// Blobs counts those of a repository.
func (r *Registry) Blobs(repository string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.blobs {
		if strings.HasPrefix(key, repository+"@") {
			n++
		}
	}
	return n
}

// Manifest returns what a tag or digest of a repository names; raw is nil if it is
// nothing.
func (r *Registry) Manifest(repository, ref string) (raw []byte, mediaType string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.manifests[repository+":"+ref]
	return m.raw, m.mediaType
}

// Remove makes a repository forget a blob.
func (r *Registry) Remove(repository string, d digest.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.blobs, repository+"@"+d.String())
}

func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	line := req.Method + " " + req.URL.Path
	if q := req.URL.Query(); q.Has("mount") {
		line += " mount from " + q.Get("from")
	}
	answer := &recorder{ResponseWriter: w}
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.log = append(r.log, fmt.Sprintf("%s %d", line, answer.status))
	}()
	switch {
	case r.opts.Intercept != nil && r.opts.Intercept(answer, req):
	case req.URL.Path == "/token":
		r.token(answer, req)
	case !r.admits(answer, req):
	case req.URL.Path == "/v2/":
		answer.WriteHeader(http.StatusOK)
	default:
		r.route(answer, req)
	}
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets who intercepts take over the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

const secret = "let-me-in"

// token answers as a token server.
func (r *Registry) token(w http.ResponseWriter, req *http.Request) {
	if user, password, _ := req.BasicAuth(); user != r.opts.User || password != r.opts.Password {
		fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "wrong user name or password")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_ = json.NewEncoder(w).Encode(map[string]string{"token": secret}) // the client may be gone
}

// admits reports whether a request has what it needs; else it is answered.
func (r *Registry) admits(w http.ResponseWriter, req *http.Request) bool {
	if r.opts.User == "" && r.opts.Password == "" {
		return true
	}
	user, password, _ := req.BasicAuth()
	switch {
	case r.opts.Bearer && req.Header.Get("Authorization") == "Bearer "+secret:
		return true
	case r.opts.Bearer:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=%q", r.Server.URL+"/token", "test"))
	case user == r.opts.User && password == r.opts.Password:
		return true
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	}
	fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

// fail answers with an error as the specification has it.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}}) // the client may be gone
}
