package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/userns"
)

// openContent opens the store for a command that reads files of layers. In a
// rootless store they belong to subordinate ids: the program then starts anew,
// inside the user's namespace, and this call does not return.
func (a *app) openContent(cmd *cobra.Command) (*cstor.Storage, error) {
	s, err := a.find(cmd)
	if err != nil {
		return nil, err
	}
	if err := a.enter(cmd.Context(), s); err != nil {
		_ = s.Close() // was only read
		return nil, err
	}
	return s, nil
}

// openImageContent is openImage for a command that reads files of layers, as
// openContent is open.
func (a *app) openImageContent(cmd *cobra.Command, text string) (*cstor.Storage, *cstor.Image, error) {
	s, i, err := a.findImage(cmd, text)
	if err != nil {
		return nil, nil, err
	}
	if err := a.enter(cmd.Context(), s); err != nil {
		_ = s.Close() // was only read
		return nil, nil, err
	}
	return s, i, nil
}

// enter starts the program anew inside the user's namespace if s needs that, before
// it has printed anything: what is to be said is said there. Else it prints the
// warnings of s.
func (a *app) enter(ctx context.Context, s *cstor.Storage) error {
	defer a.warnAbout(s)
	if a.noUnshare || a.sysroot != "" {
		return nil
	}
	info, err := s.Info()
	if err != nil || len(info.Stores) == 0 || !userns.Needed(info.Stores[0].Root) {
		return err
	}
	err = userns.Enter(ctx)
	if no := (*userns.EnterError)(nil); errors.As(err, &no) {
		err = hint(err, "--no-unshare reads what you may read outside")
	}
	return err
}
