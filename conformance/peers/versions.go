package peers

import (
	"context"
	"strings"
)

// Versions returns one line that names the versions of the peer's tools, for the log of a test run.
func (p *Peer) Versions(ctx context.Context) (string, error) {
	out, err := p.Run(ctx, Command{Script: `
		. /etc/os-release; echo "$PRETTY_NAME"
		podman --version; buildah --version; skopeo --version
		! command -v umoci > /dev/null || umoci --version | head -n 1
		for t in containers-storage mkcomposefs fuse-overlayfs; do
			! command -v $t > /dev/null || echo "$t"
		done`})
	if err != nil {
		return "", err
	}
	return p.Name + ": " + strings.Join(strings.Split(strings.TrimSpace(string(out)), "\n"), ", "), nil
}
