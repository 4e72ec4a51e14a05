package registry

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/distribution/reference"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// credentials are those for one repository. They are looked for when the registry wants
// some, once.
type credentials struct {
	repository string // HOST/NAME, as keys of files are spelled
	files      []string
	named      bool // the file has to be there

	once  sync.Mutex
	known bool
	found auth.Credential
	from  string // where they were found, for errors
	err   error
}

func newCredentials(name reference.Named, opts Options) (*credentials, error) {
	c := &credentials{repository: name.Name()}
	if opts.Username != "" || opts.Password != "" {
		c.found, c.known, c.from = auth.Credential{Username: opts.Username, Password: opts.Password}, true, "the user name and password that were given"
		return c, nil
	}
	c.files, c.named = authFiles(opts.AuthFile)
	if c.named {
		if _, err := os.Stat(c.files[0]); err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
	}
	return c, nil
}

// find returns them; there may be none. A file that is broken is an error, as it is for
// podman: the next one may be another user's.
func (c *credentials) find(ctx context.Context) (auth.Credential, error) {
	c.once.Lock()
	defer c.once.Unlock()
	if !c.known {
		c.found, c.from, c.err = c.search(ctx)
		c.known = ctx.Err() == nil
	}
	return c.found, c.err
}

// origin is where the credentials come from, as part of an error.
func (c *credentials) origin() string {
	c.once.Lock()
	defer c.once.Unlock()
	switch {
	case c.from != "":
		return " with " + c.from
	case c.known:
		return " without credentials"
	}
	return ""
}

func (c *credentials) search(ctx context.Context) (auth.Credential, string, error) {
	for _, name := range c.files {
		found, by, err := searchFile(ctx, name, c.repository)
		if err != nil {
			return auth.EmptyCredential, "", &finalError{fmt.Errorf("credentials: %s: %w", name, err)}
		}
		if found != auth.EmptyCredential {
			return found, by, nil
		}
	}
	return auth.EmptyCredential, "", nil
}

// authFiles lists where credentials may be, in order (containers-auth.json(5);
// container-libs image/pkg/docker/config/config.go:getAuthFilePaths). A file that was
// named stands alone.
func authFiles(named string) (files []string, alone bool) {
	if name := cmp.Or(named, os.Getenv("REGISTRY_AUTH_FILE")); name != "" {
		return []string{name}, true
	}
	run := filepath.Join("/run/containers", strconv.Itoa(userID()))
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		run = filepath.Join(dir, "containers")
	}
	home, _ := os.UserHomeDir() // "" leads to files that are not there
	return []string{
		filepath.Join(run, "auth.json"),
		filepath.Join(configHome(), "containers/auth.json"),
		filepath.Join(cmp.Or(os.Getenv("DOCKER_CONFIG"), filepath.Join(home, ".docker")), "config.json"),
		filepath.Join(home, legacyName),
	}, false
}

// legacyName is that of a file that has no more than the entries.
const legacyName = ".dockercfg"

func configHome() string {
	home, _ := os.UserHomeDir()
	return cmp.Or(os.Getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
}

// userID is the user's, also inside his user namespace.
func userID() int {
	if id, err := strconv.Atoi(os.Getenv("_CONTAINERS_ROOTLESS_UID")); err == nil {
		return id
	}
	return os.Getuid()
}
