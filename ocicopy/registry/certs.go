package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// certDirs are the folders that may have a registry's certificates (containers-certs.d(5);
// container-libs image/docker/docker_client.go:dockerCertDir).
func certDirs(host string) []string {
	return []string{
		filepath.Join(configHome(), "containers/certs.d", host),
		filepath.Join("/etc/containers/certs.d", host),
		filepath.Join("/etc/docker/certs.d", host),
	}
}

// addCertificates adds what a folder has to the configuration, and reports whether there
// is such a folder.
func addCertificates(c *tls.Config, dir string) (bool, error) {
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range all {
		path := filepath.Join(dir, e.Name())
		switch filepath.Ext(path) {
		case ".crt":
			pem, err := os.ReadFile(path)
			if err != nil {
				return false, err
			}
			if c.RootCAs == nil {
				if c.RootCAs, err = x509.SystemCertPool(); err != nil {
					return false, err
				}
			}
			if !c.RootCAs.AppendCertsFromPEM(pem) {
				return false, fmt.Errorf("%s: no certificates in it", path)
			}
		case ".cert":
			pair, err := tls.LoadX509KeyPair(path, strings.TrimSuffix(path, ".cert")+".key")
			if err != nil {
				return false, fmt.Errorf("%s: %w", path, err)
			}
			c.Certificates = append(c.Certificates, pair)
		}
	}
	return true, nil
}
