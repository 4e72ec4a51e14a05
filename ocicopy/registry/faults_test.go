package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/registrytest"
)

// hang answers too late. That the client is gone is not seen while its body is not read.
func hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(2 * time.Second):
	}
}

// TestFaults: what may pass is tried again, what does not is one error of its kind, and
// no tag is there after it.
func TestFaults(t *testing.T) {
	t.Parallel()
	upload := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/uploads/")
	}
	cut := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 100<<10)
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	for _, tt := range []struct {
		name      string
		intercept func(n int64, w http.ResponseWriter, r *http.Request) bool // n counts the requests of that path and method
		want      error                                                      // nil: it succeeds in the end
		says      string
	}{
		{name: "connection dropped in a blob", intercept: func(n int64, w http.ResponseWriter, r *http.Request) bool {
			if upload(r) && n <= 2 {
				cut(w, r)
				return true
			}
			return false
		}},
		{name: "dropped each time", says: "blob sha256:", intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if upload(r) {
				cut(w, r)
			}
			return upload(r)
		}},
		{name: "busy for a while", intercept: func(n int64, w http.ResponseWriter, r *http.Request) bool {
			if n == 1 && r.URL.Path != "/v2/" {
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}
			return false
		}},
		{name: "fails for ever", says: "status code 500", intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if upload(r) {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return upload(r)
		}},
		{name: "refuses", want: ErrDenied, intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusForbidden)
			}
			return r.Method == http.MethodPost
		}},
		{name: "never answers", want: errSilent, intercept: func(_ int64, _ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				hang(r)
			}
			return r.Method == http.MethodPost
		}},
		{name: "stops reading", want: errSilent, intercept: func(_ int64, _ http.ResponseWriter, r *http.Request) bool {
			if upload(r) {
				_, _ = io.CopyN(io.Discard, r.Body, 10<<10)
				hang(r)
			}
			return upload(r)
		}},
		{name: "answers without end", says: "status code 400", intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			w.WriteHeader(http.StatusBadRequest)
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte("no "), 1<<12)); err != nil {
					break
				}
			}
			return true
		}},
		{name: "lies about a blob that it has", want: ErrDigest, intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("Docker-Content-Digest", digest.FromString("another").String())
				w.WriteHeader(http.StatusOK)
			}
			return r.Method == http.MethodHead
		}},
		{name: "lies about its size", want: ErrDigest, intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Length", "7")
				w.WriteHeader(http.StatusOK)
			}
			return r.Method == http.MethodHead
		}},
		{name: "lies about a blob that it took", want: ErrDigest, intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if upload(r) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Docker-Content-Digest", digest.FromString("another").String())
				w.WriteHeader(http.StatusCreated)
			}
			return upload(r)
		}},
		{name: "lies about the manifest", want: ErrDigest, intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.Header().Set("Docker-Content-Digest", digest.FromString("another").String())
				w.WriteHeader(http.StatusCreated)
				return true
			}
			return false
		}},
		{name: "cannot tell what it has", intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
			return r.Method == http.MethodHead
		}},
		{name: "sends uploads elsewhere", says: "different host", intercept: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				w.Header().Set("Location", "http://192.0.2.1/upload")
				w.WriteHeader(http.StatusAccepted)
			}
			return r.Method == http.MethodPost
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var counts sync.Map
			reg := start(t, registrytest.Options{Intercept: func(w http.ResponseWriter, r *http.Request) bool {
				path := r.URL.Path
				if upload(r) {
					path = r.URL.Query().Get("digest")
				}
				n, _ := counts.LoadOrStore(r.Method+path, new(atomic.Int64))
				return tt.intercept(n.(*atomic.Int64).Add(1), w, r)
			}})
			i := newImage(t, strings.Repeat("x", 1<<20), "top")
			r := open(t, reg.Host+"/app:1", Options{Insecure: true, Timeout: 200 * time.Millisecond})
			var total atomic.Int64
			_, _, err := i.send(t.Context(), r, func(n int64) { total.Add(n) })
			raw, _ := reg.Manifest("app", "1")
			if tt.want == nil && tt.says == "" {
				if err != nil || raw == nil {
					t.Errorf("%v, manifest %q", err, raw)
				}
				if want := int64(1<<20+3) + i.config.Size; total.Load() != want {
					t.Errorf("%d bytes were told, want %d", total.Load(), want)
				}
				return
			}
			if tt.want != nil && !errors.Is(err, tt.want) || err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "registry "+reg.Host) {
				t.Errorf("%v, want %v %q", err, tt.want, tt.says)
			}
			if raw != nil {
				t.Errorf("there is a manifest: %s", raw)
			}
		})
	}
}

// TestOwnFaults: content that is wrong is never sent in full, its error is returned, and
// it is not read again.
func TestOwnFaults(t *testing.T) {
	t.Parallel()
	wrong := errors.New("another diff id")
	for name, broken := range map[string]func([]byte) io.Reader{
		"wrong at its end": func(raw []byte) io.Reader { return io.MultiReader(bytes.NewReader(raw), failing{wrong}) },
		"wrong before":     func(raw []byte) io.Reader { return io.MultiReader(bytes.NewReader(raw[:99]), failing{wrong}) },
		"short":            func(raw []byte) io.Reader { return bytes.NewReader(raw[:len(raw)-1]) },
		"long":             func(raw []byte) io.Reader { return bytes.NewReader(append(bytes.Clone(raw), 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var whole atomic.Bool
			reg := start(t, registrytest.Options{Intercept: func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				raw, err := io.ReadAll(r.Body)
				if digest.FromBytes(raw).String() == r.URL.Query().Get("digest") && len(raw) > 1<<16 {
					whole.Store(true)
				}
				if err != nil {
					return true
				}
				r.Body = io.NopCloser(bytes.NewReader(raw))
				return false
			}})
			i := newImage(t, strings.Repeat("y", 1<<20), "top")
			i.broken[i.layers[0].Digest] = broken
			_, _, err := i.send(t.Context(), open(t, reg.Host+"/app", plain), nil)
			if err == nil || strings.HasPrefix(name, "wrong") && !errors.Is(err, wrong) || !strings.Contains(err.Error(), i.layers[0].Digest.String()) || strings.Contains(err.Error(), "registry") {
				t.Errorf("%v", err)
			}
			if raw, _ := reg.Manifest("app", "latest"); raw != nil || whole.Load() || reg.Blob("app", i.layers[0].Digest) != nil {
				t.Errorf("manifest %q, the blob was sent in full: %t", raw, whole.Load())
			}
			if n := i.fetched[i.layers[0].Digest]; n != 1 {
				t.Errorf("it was read %d times", n)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestInterrupted: the cause of the context's end is the error, and nothing is tried again.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	cause := errors.New("a signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	reg := start(t, registrytest.Options{Intercept: func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			cancel(cause)
			hang(r)
			return true
		}
		return false
	}})
	i := newImage(t, "one")
	began := time.Now()
	if _, _, err := i.send(ctx, open(t, reg.Host+"/app", plain), nil); !errors.Is(err, cause) {
		t.Error(err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %s", d)
	}
}
