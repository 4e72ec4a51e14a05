package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// askHelper runs a credential helper (docker-credential-helpers: client/client.go:Get).
func askHelper(ctx context.Context, helper, registry string) (auth.Credential, error) {
	name := "docker-credential-" + helper
	if strings.ContainsRune(helper, '/') {
		return auth.EmptyCredential, fmt.Errorf("%q: not the name of a helper", name)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // it may ask the user
	defer cancel()
	cmd := exec.CommandContext(ctx, name, "get")
	cmd.Stdin = strings.NewReader(registry)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	out = bytes.TrimSpace(out)
	if err != nil {
		if bytes.Equal(out, []byte("credentials not found in native keychain")) {
			return auth.EmptyCredential, nil
		}
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(out) > 0 {
			return auth.EmptyCredential, fmt.Errorf("%s: %w: %s", name, err, out[:min(len(out), 200)])
		}
		return auth.EmptyCredential, fmt.Errorf("%s: %w", name, err)
	}
	var answer struct{ Username, Secret string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return auth.EmptyCredential, fmt.Errorf("%s: its answer is not JSON", name) // which may have the secret
	}
	if answer.Username == "<token>" {
		return auth.Credential{RefreshToken: answer.Secret}, nil
	}
	return auth.Credential{Username: answer.Username, Password: answer.Secret}, nil
}
