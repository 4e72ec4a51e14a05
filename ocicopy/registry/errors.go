package registry

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

var (
	// ErrDenied is matched by errors that say that the registry did not accept the
	// credentials, or that there are none.
	ErrDenied = errors.New("access denied")
	// ErrCertificate is matched by errors that say that the registry's certificate could
	// not be verified.
	ErrCertificate = errors.New("certificate not verified")
	// ErrPlainHTTP is matched by errors that say that the registry does not speak TLS.
	ErrPlainHTTP = errors.New("the registry answers in plain HTTP")
	// ErrDigest is matched by errors that say that the registry calls content by another
	// digest than its own, or by another size.
	ErrDigest = errors.New("the registry names other content")

	errSilent = errors.New("nothing happened for too long")
)

// describe gives an error of a request its place, and one of the errors above if it is
// one of those.
func (r *Repository) describe(err error) error {
	var answer *errcode.ErrorResponse
	var verify *tls.CertificateVerificationError
	var local *contentError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &local):
		return err
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		err = fmt.Errorf("%w: it asks for credentials, and there are none", ErrDenied)
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		err = fmt.Errorf("%w%s: %w", ErrDenied, r.credentials.origin(), err)
	case errors.Is(err, http.ErrSchemeMismatch):
		err = fmt.Errorf("%w: %w", ErrPlainHTTP, err)
	case errors.As(err, &verify):
		err = fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return fmt.Errorf("registry %s: %w", r.host, err)
}

// mayPass reports whether what failed may succeed when it is tried again.
func mayPass(err error) bool {
	var answer *errcode.ErrorResponse
	var local *contentError
	var final *finalError
	var verify *tls.CertificateVerificationError
	var dns *net.DNSError
	var connection *net.OpError
	switch {
	case errors.As(err, &local), errors.As(err, &final), errors.As(err, &verify):
		return false
	case errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, auth.ErrBasicCredentialNotFound), errors.Is(err, ErrDigest):
		return false
	case errors.As(err, &connection) && connection.Op == "remote error": // a TLS alert: it wants a certificate, or another one
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.As(err, &answer):
		switch answer.StatusCode {
		case http.StatusRequestTimeout, http.StatusTooManyRequests:
			return true
		case http.StatusUnauthorized:
			// Uploads are sent with the token of the request before, which may end meanwhile.
			return answer.Method == http.MethodPut
		case http.StatusNotFound:
			// An upload that the registry has forgotten.
			return answer.Method == http.MethodPut
		case http.StatusNotImplemented:
			return false
		}
		return answer.StatusCode >= 500
	}
	var request *url.Error // the connection failed, or nothing came through it
	return errors.As(err, &request) || errors.Is(err, errSilent)
}

// contentError is about our own content, not about the registry.
type contentError struct{ error }

func (e *contentError) Unwrap() error { return e.error }

// finalError is not to be tried again.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// answered is the error that an answer is.
func answered(resp *http.Response) error {
	err := &errcode.ErrorResponse{Method: resp.Request.Method, URL: resp.Request.URL, StatusCode: resp.StatusCode}
	var body struct {
		Errors errcode.Errors `json:"errors"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 8<<10)).Decode(&body) == nil {
		err.Errors = body.Errors
	}
	return err
}
