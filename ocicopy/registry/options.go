package registry

import (
	"cmp"
	"time"
)

// Options of [Open]. The zero value finds credentials and certificates as podman does.
type Options struct {
	// Insecure accepts any certificate, and plain HTTP where the registry does not speak
	// TLS: the flag --tls-verify=false of podman and skopeo.
	Insecure bool
	// AuthFile is the only file that credentials are looked for in. "" is
	// $REGISTRY_AUTH_FILE, and where that is not set the first that has some of:
	// $XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID/auth.json),
	// $XDG_CONFIG_HOME/containers/auth.json (~/.config/containers/auth.json),
	// $DOCKER_CONFIG/config.json (~/.docker/config.json) and ~/.dockercfg. A file that
	// was named has to be there.
	AuthFile string
	// Username and Password are used instead of any file, unless both are empty.
	Username, Password string
	// CertDir has certificates: of authorities (*.crt), and of the client (*.cert with
	// *.key). "" is the folder HOST:PORT in the first that has one of
	// ~/.config/containers/certs.d, /etc/containers/certs.d and /etc/docker/certs.d.
	CertDir string
	// MountFrom are other repositories of the registry, without its name
	// ("library/alpine"), that may have blobs of the image. They are asked in turn.
	MountFrom []string
	// Retries is how many times more a request is tried that fails for a reason that may
	// pass: 0 means 3, negative numbers none.
	Retries int
	// Timeout is how long nothing may happen in a request before it counts as failed; 0
	// means a minute. For its answer to an upload a registry has five times as long.
	Timeout time.Duration
}

func (o Options) retries() int { return max(cmp.Or(o.Retries, 3), 0) }

func (o Options) timeout() time.Duration { return cmp.Or(o.Timeout, time.Minute) }
