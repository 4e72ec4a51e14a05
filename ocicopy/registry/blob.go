package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	oras "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// opener opens a blob. It is called again for one that has to be sent again. Content that
// is not what the descriptor says is an error of Read.
type opener func(ctx context.Context) (io.ReadCloser, error)

// blob makes the repository have a blob; reused says that the registry had it. Tell is
// told how much more was sent, and, by negative numbers, what has to be sent again.
func (r *Repository) blob(ctx context.Context, blob v1.Descriptor, open opener, tell func(n int64)) (reused bool, err error) {
	sent := false
	err = r.retry(ctx, func() error {
		if has, err := r.has(ctx, blob); err != nil || has {
			return err
		}
		if !sent && r.mount(ctx, blob) {
			return nil
		}
		sent = true
		return r.upload(ctx, blob, open, tell)
	})
	if err != nil {
		return false, r.describe(fmt.Errorf("blob %s: %w", blob.Digest, err))
	}
	return !sent, nil
}

// has asks whether the repository has a blob. That a registry cannot tell is no error: it
// is sent then.
func (r *Repository) has(ctx context.Context, blob v1.Descriptor) (bool, error) {
	resp, err := r.do(ctx, http.MethodHead, r.url("blobs/"+blob.Digest.String()))
	var answer *errcode.ErrorResponse
	if errors.As(err, &answer) && !mayPass(err) && answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_ = resp.Body.Close() // a HEAD has none
	if resp.StatusCode != http.StatusOK {
		return false, nil
	}
	if err := sameDigest(resp, blob.Digest); err != nil {
		return false, err
	}
	if n := resp.ContentLength; n >= 0 && n != blob.Size {
		return false, fmt.Errorf("%w: it has %d bytes there, and %d here", ErrDigest, n, blob.Size)
	}
	return true, nil
}

// sameDigest compares the digest that an answer has, if it has one. The registry may use
// another algorithm.
func sameDigest(resp *http.Response, want digest.Digest) error {
	got := digest.Digest(resp.Header.Get("Docker-Content-Digest"))
	if got == "" || got == want || got.Validate() == nil && got.Algorithm() != want.Algorithm() {
		return nil
	}
	return fmt.Errorf("%w: it calls it %q", ErrDigest, got)
}

// mount asks the registry to take a blob from another repository of its own. Where that
// does not work, whyever, the blob is sent.
func (r *Repository) mount(ctx context.Context, blob v1.Descriptor) bool {
	for _, from := range r.mountFrom {
		if from == r.path() || oras.Reference.ValidateRepository(oras.Reference{Repository: from}) != nil {
			continue
		}
		there := r.address()
		there.Repository = from
		query := url.Values{"mount": {blob.Digest.String()}, "from": {from}}
		resp, err := r.do(auth.AppendRepositoryScope(ctx, there, auth.ActionPull), http.MethodPost, r.url("blobs/uploads/?"+query.Encode()))
		if err != nil {
			continue
		}
		_ = resp.Body.Close() // nothing of it counts
		if resp.StatusCode == http.StatusCreated && sameDigest(resp, blob.Digest) == nil {
			return true
		}
		r.giveUp(ctx, resp)
	}
	return false
}

// giveUp ends an upload that resp has begun. The registry forgets it some day if it
// cannot be told to.
func (r *Repository) giveUp(ctx context.Context, resp *http.Response) {
	at, err := resp.Location()
	if err != nil || at.Host != resp.Request.URL.Host || at.Scheme != resp.Request.URL.Scheme {
		return
	}
	if resp, err := r.do(ctx, http.MethodDelete, at.String()); err == nil {
		_ = resp.Body.Close() // nothing of it counts
	}
}

// upload sends a blob.
func (r *Repository) upload(ctx context.Context, blob v1.Descriptor, open opener, tell func(n int64)) error {
	rc, err := open(ctx)
	if err != nil {
		return &contentError{err}
	}
	c := newContent(rc, blob.Size, tell)
	err = r.remote().Blobs().Push(withDigest(ctx, blob.Digest), blob, c)
	sent, failed := c.end()
	if failed != nil {
		return &contentError{failed} // whatever the connection made of it
	}
	if err != nil {
		tell(-sent)
	}
	return err
}
