package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// authEntry is what a file has for one registry or part of it.
type authEntry struct {
	Auth          string `json:"auth"` // base64 of USER:PASSWORD
	IdentityToken string `json:"identitytoken"`
}

type authFile struct {
	Auths       map[string]authEntry `json:"auths"`
	CredHelpers map[string]string    `json:"credHelpers"` // by registry
	CredsStore  string               `json:"credsStore"`  // a helper for all registries; docker's alone
}

// maxAuthFile bounds what is read of a file with credentials.
const maxAuthFile = 1 << 20

// searchFile looks for credentials in one file, in the order that containers/image has:
// the registry's helper; the entry of the repository, of what it lies in, and of the
// registry; and one whose key is a URL, as docker once wrote them. It says in words where
// they were found.
func searchFile(ctx context.Context, name, repository string) (found auth.Credential, by string, err error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return found, "", nil
	case err != nil:
		return found, "", err
	case !info.Mode().IsRegular() || info.Size() > maxAuthFile:
		return found, "", errors.New("not a file with credentials")
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return found, "", err
	}
	var file authFile
	legacy := filepath.Base(name) == legacyName
	if legacy {
		err = json.Unmarshal(raw, &file.Auths)
	} else {
		err = json.Unmarshal(raw, &file)
	}
	if err != nil {
		return found, "", err
	}
	host, _, _ := strings.Cut(repository, "/")
	by = "credentials in " + name
	if helper := file.CredHelpers[host]; helper != "" {
		found, err = askHelper(ctx, helper, host)
		return found, "credentials of docker-credential-" + helper, err
	}
	if entry, ok := file.entry(repository, host, legacy); ok {
		if found, err = entry.decode(); err != nil || found != auth.EmptyCredential {
			return found, by, err
		}
	}
	if file.CredsStore != "" {
		found, err = askHelper(ctx, file.CredsStore, dockerKey(host))
		return found, "credentials of docker-credential-" + file.CredsStore, err
	}
	return found, "", nil
}

// entry finds the entry whose key fits best.
func (f *authFile) entry(repository, host string, legacy bool) (authEntry, bool) {
	for key := repository; ; {
		if e, ok := f.Auths[key]; ok && (!legacy || key == host) {
			return e, true
		}
		cut := strings.LastIndexByte(key, '/')
		if cut < 0 {
			break
		}
		key = key[:cut]
	}
	for key, e := range f.Auths {
		bare := strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
		if legacy || bare != key {
			bare, _, _ = strings.Cut(bare, "/")
		}
		if indexHost(bare) == indexHost(host) {
			return e, true
		}
	}
	return authEntry{}, false
}

// indexHost gives docker.io the name that files have had for it.
func indexHost(host string) string {
	if host == "docker.io" || host == "registry-1.docker.io" {
		return "index.docker.io"
	}
	return host
}

// dockerKey is what docker calls a registry when it asks its credsStore.
func dockerKey(host string) string {
	if host == "docker.io" {
		return "https://index.docker.io/v1/"
	}
	return host
}

func (e authEntry) decode() (auth.Credential, error) {
	if e.IdentityToken != "" {
		return auth.Credential{RefreshToken: e.IdentityToken}, nil
	}
	raw, err := base64.StdEncoding.DecodeString(e.Auth)
	if err != nil {
		return auth.EmptyCredential, errors.New("an entry is not base64") // the cause may have a part of it
	}
	user, password, ok := strings.Cut(string(raw), ":")
	if !ok {
		return auth.EmptyCredential, nil // docker leaves empty entries where a helper has them
	}
	return auth.Credential{Username: user, Password: strings.Trim(password, "\x00")}, nil
}
