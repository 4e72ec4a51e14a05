package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/distribution/reference"
	oras "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/cstor-go/cstor/ocicopy"
)

// Repository is a repository in a registry, with the tag that an image shall have there.
// It is safe for concurrent use, and needs no Close.
type Repository struct {
	name        reference.NamedTagged
	host        string // as in references: docker.io, localhost:5000
	plain       bool   // plain HTTP
	client      *auth.Client
	credentials *credentials
	mountFrom   []string
	retries     int
}

// Open finds the registry of a reference, HOST[:PORT]/NAME[:TAG] as podman has it
// after "docker://": without a host docker.io is meant, without a tag "latest". It asks
// the registry once, without credentials, to learn whether it is there and speaks TLS.
//
// Errors match [ocicopy.ErrReference], [ErrCertificate] or [ErrPlainHTTP], or those of the
// connection.
func Open(ctx context.Context, ref string, opts Options) (*Repository, error) {
	name, err := parseReference(ref)
	if err != nil {
		return nil, err
	}
	host := reference.Domain(name)
	r := &Repository{name: name, host: host, mountFrom: opts.MountFrom, retries: opts.retries()}
	if r.credentials, err = newCredentials(name, opts); err != nil {
		return nil, err
	}
	transport, err := newTransport(host, opts)
	if err != nil {
		return nil, err
	}
	r.client = &auth.Client{
		Client:     &http.Client{Transport: transport},
		Header:     http.Header{"User-Agent": {"cstor"}},
		Cache:      auth.NewCache(),
		Credential: r.credential,
	}
	return r, r.describe(r.findScheme(ctx, opts.Insecure))
}

// parseReference adds to a reference what [Open] says.
func parseReference(ref string) (reference.NamedTagged, error) {
	name, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: %.200q: %w", ocicopy.ErrReference, ref, err)
	}
	if _, ok := name.(reference.Digested); ok {
		return nil, fmt.Errorf("%w: %.200q: the digest is the manifest's, which is made here; give a tag", ocicopy.ErrReference, ref)
	}
	return reference.TagNameOnly(name).(reference.NamedTagged), nil
}

// Reference is the reference in full.
func (r *Repository) Reference() string { return r.name.String() }

// Host is the registry: "docker.io", "localhost:5000".
func (r *Repository) Host() string { return r.host }

// path is the repository's name in the registry.
func (r *Repository) path() string { return reference.Path(r.name) }

// address is that name as oras-go has it, with the host that requests go to.
func (r *Repository) address() oras.Reference {
	return oras.Reference{Registry: r.host, Repository: r.path()}
}

func (r *Repository) remote() *remote.Repository {
	return &remote.Repository{Client: r.client, Reference: r.address(), PlainHTTP: r.plain}
}

// url is an address below the repository.
func (r *Repository) url(rest string) string {
	return r.base() + "/v2/" + r.path() + "/" + rest
}

func (r *Repository) base() string {
	if r.plain {
		return "http://" + r.address().Host()
	}
	return "https://" + r.address().Host()
}

// scoped says for a token server what the requests of ctx do: uploads need both rights.
func (r *Repository) scoped(ctx context.Context) context.Context {
	return auth.AppendRepositoryScope(ctx, r.address(), auth.ActionPull, auth.ActionPush)
}

// findScheme asks whether the registry is there. Any answer will do: it may want
// credentials, or not know the question.
func (r *Repository) findScheme(ctx context.Context, insecure bool) error {
	ping := func() error {
		return r.retry(ctx, func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base()+"/v2/", nil)
			if err != nil {
				return &finalError{err}
			}
			resp, err := r.client.Client.Do(req)
			if errors.Is(err, syscall.ECONNREFUSED) {
				return &finalError{err} // nobody is there: no reason to wait
			}
			if err == nil {
				_ = resp.Body.Close() // only that there is one counts
			}
			return err
		})
	}
	err := ping()
	if err == nil || !insecure || ctx.Err() != nil {
		return err
	}
	r.plain = true
	if ping() == nil {
		return nil
	}
	return err
}

// Writable asks the registry whether an image may be sent to the repository, by beginning
// an upload and giving it up. Without it that is known when the first blob is sent.
func (r *Repository) Writable(ctx context.Context) error {
	ctx = r.scoped(ctx)
	return r.describe(r.retry(ctx, func() error {
		resp, err := r.do(ctx, http.MethodPost, r.url("blobs/uploads/"))
		if err != nil {
			return err
		}
		_ = resp.Body.Close() // nothing of it counts
		if resp.StatusCode != http.StatusAccepted {
			return fmt.Errorf("it begins uploads with status %d", resp.StatusCode)
		}
		r.giveUp(ctx, resp)
		return nil
	}))
}

// do sends a request without content. Statuses from 400 on are errors.
func (r *Repository) do(ctx context.Context, method, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, answered(resp)
	}
	return resp, nil
}

// credential is what oras-go asks for credentials: they are for this registry alone.
func (r *Repository) credential(ctx context.Context, host string) (auth.Credential, error) {
	if !strings.EqualFold(host, r.address().Host()) {
		return auth.EmptyCredential, nil
	}
	return r.credentials.find(ctx)
}
