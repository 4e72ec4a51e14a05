package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocicopy/registry"
)

// registryAccess are the flags for registries.
type registryAccess struct {
	verify                   bool
	authFile, creds, certDir string
	username, password       string // of creds
}

func (r *registryAccess) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&r.verify, "tls-verify", true, "with =false, accept any certificate of a registry, and plain HTTP")
	f.StringVar(&r.authFile, "authfile", "", "find credentials for a registry in `FILE` alone")
	f.StringVar(&r.creds, "creds", "", "use these credentials for the registry: `USER:PASSWORD`")
	f.StringVar(&r.certDir, "cert-dir", "", "take certificates for the registry from `DIR` (*.crt, *.cert, *.key)")
	_ = cmd.MarkFlagFilename("authfile", "json")
	_ = cmd.MarkFlagDirname("cert-dir")
}

// check finds wrong usage.
func (r *registryAccess) check(cmd *cobra.Command, used bool) error {
	for _, name := range []string{"tls-verify", "authfile", "creds", "cert-dir"} {
		switch f := cmd.Flag(name); {
		case f.Changed && !used:
			return usagef("--%s goes with docker://", name)
		case f.Changed && f.Value.String() == "":
			return usagef("--%s is empty", name)
		}
	}
	if r.creds == "" {
		return nil
	}
	var ok bool
	if r.username, r.password, ok = strings.Cut(r.creds, ":"); !ok || r.username == "" {
		return usagef("--creds: USER:PASSWORD was expected")
	}
	return nil
}

// open opens the repository.
func (r *registryAccess) open(ctx context.Context, s *cstor.Storage, to ocicopy.Target, images []ocicopy.Image) (ocicopy.Destination, error) {
	return registry.Open(ctx, to.Path+":"+to.Ref, registry.Options{
		Insecure: !r.verify, AuthFile: r.authFile, Username: r.username, Password: r.password, CertDir: r.certDir,
		MountFrom: related(s, to, images),
	})
}

// maxRelated is how many repositories are asked for each layer.
const maxRelated = 4

// related are other repositories of the registry that may have some of the layers: images
// of the store that came from there share them.
func related(s *cstor.Storage, to ocicopy.Target, images []ocicopy.Image) []string {
	ours := map[string]bool{}
	for _, i := range images {
		for id := range layerIDs(i.Image) {
			ours[id] = true
		}
	}
	named, err := reference.ParseNormalizedNamed(to.Path)
	if err != nil {
		return nil
	}
	var found []string
	for i, err := range s.Images() {
		if err != nil {
			return found
		}
		var there []string
		for _, name := range i.Names() {
			other, err := reference.ParseNormalizedNamed(name)
			if err == nil && reference.Domain(other) == reference.Domain(named) && other.Name() != named.Name() && !slices.Contains(found, reference.Path(other)) {
				there = append(there, reference.Path(other))
			}
		}
		if len(there) == 0 {
			continue
		}
		for id := range layerIDs(i) {
			if ours[id] {
				found = append(found, there...)
				break
			}
		}
		if len(found) >= maxRelated {
			return found[:maxRelated]
		}
	}
	return found
}

// layerIDs are those of an image's layers; of what cannot be read there are none.
func layerIDs(i *cstor.Image) map[string]bool {
	ids := map[string]bool{}
	layers, err := i.Layers()
	if err != nil {
		return ids
	}
	for _, l := range layers {
		ids[l.ID()] = true
	}
	return ids
}

// advise adds to an error of a registry what can be done about it.
func (r *registryAccess) advise(err error, to ocicopy.Target) error {
	host, _, _ := strings.Cut(to.Path, "/")
	switch {
	case errors.Is(err, registry.ErrPlainHTTP):
		return hint(err, "--tls-verify=false allows that")
	case errors.Is(err, registry.ErrCertificate):
		return hint(err, "--cert-dir DIR says whom to trust; --tls-verify=false trusts anybody")
	case errors.Is(err, registry.ErrDenied) && r.creds == "":
		return hint(err, "\"podman login "+host+"\", --authfile or --creds give credentials")
	}
	return err
}
