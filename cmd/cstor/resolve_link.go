package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

func (a *app) resolveLink() *cobra.Command {
	return &cobra.Command{
		Use:   "resolve-link LINK",
		Short: "Print the id of the layer that a link id stands for",
		Long: `Print the id of the layer that LINK stands for: the 26 letters and digits by which
the overlay driver's lower files, and the options of overlay mounts, name it.`,
		Example: "  cstor resolve-link l/QXHN7KGFMTZSAOFGYVSNDK4OTA",
		Args:    args(1, 1, "one LINK"),
		RunE: func(cmd *cobra.Command, got []string) error {
			s, err := a.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			id, err := s.ResolveLink(got[0])
			if errors.Is(err, cstor.ErrNotFound) {
				err = notFound(s, err, `"cstor inspect-layer" shows the link of a layer`)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, id)
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}
