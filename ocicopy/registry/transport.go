package registry

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// newTransport returns what requests to the registry go through.
func newTransport(host string, opts Options) (http.RoundTripper, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: opts.Insecure}
	dirs := certDirs(host)
	if opts.CertDir != "" {
		dirs = []string{opts.CertDir}
	}
	for _, dir := range dirs {
		found, err := addCertificates(secure, dir)
		if err != nil {
			return nil, err
		}
		if found {
			break
		}
		if opts.CertDir != "" {
			return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
		}
	}
	return &patient{limit: opts.timeout(), base: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: min(30*time.Second, opts.timeout())}).DialContext,
		TLSHandshakeTimeout:    min(10*time.Second, opts.timeout()),
		TLSClientConfig:        secure,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}}, nil
}

// patient gives up requests in which nothing happens for as long as limit, and compares
// the digest in answers to uploads.
type patient struct {
	base  http.RoundTripper
	limit time.Duration
}

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	silent := fmt.Errorf("%w: %s", errSilent, p.limit)
	timer := time.AfterFunc(p.limit, func() { cancel(silent) })
	end := sync.OnceFunc(func() {
		timer.Stop()
		cancel(nil)
	})
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &watched{req.Body, func(err error) {
			if err != nil { // all was sent: the registry may take its time to look at it
				timer.Reset(5 * p.limit)
				return
			}
			timer.Reset(p.limit)
		}}
	}
	resp, err := p.base.RoundTrip(req)
	if err == nil && req.Method == http.MethodPut && resp.StatusCode == http.StatusCreated {
		if want, ok := ctx.Value(digestKey{}).(digest.Digest); ok {
			if err = sameDigest(resp, want); err != nil {
				_ = resp.Body.Close() // nothing of it counts
			}
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		end()
		return nil, err
	}
	timer.Reset(p.limit) // once, for all of the body: those that are read are short
	resp.Body = &ending{resp.Body, end}
	return resp, nil
}

// watched is a body that is being sent.
type watched struct {
	io.ReadCloser
	read func(err error)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.read(err)
	return n, err
}

// ending is a body of an answer.
type ending struct {
	io.ReadCloser
	end func()
}

func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

// digestKey is where a context has the digest of the blob that is sent.
type digestKey struct{}

func withDigest(ctx context.Context, d digest.Digest) context.Context {
	return context.WithValue(ctx, digestKey{}, d)
}
