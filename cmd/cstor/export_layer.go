package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cstor-go/cstor"
)

func (a *app) exportLayer() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export-layer LAYER",
		Short: "Write a layer's tar, byte for byte, checked against its diff id",
		Long: `Write the tar that a layer was unpacked from, byte for byte as it was before
compression, and check it against the diff id that the store recorded.

A FILE appears under its name only when it is complete and right. What is there and
is not a regular file (a FIFO, a device, a symbolic link) is written to in place. On
standard output, and in place, a mismatch is known when all has been written: exit
status 1 then says that it must not be used.`,
		Example: "  cstor export-layer 9e3985fa1618 -o layer.tar\n  cstor export-layer 9e3985fa1618 | tar -t",
		Args:    args(1, 1, "one LAYER"),
		RunE: func(cmd *cobra.Command, got []string) error {
			if f, ok := a.stdout.(*os.File); (output == "" || output == "-") && ok && term.IsTerminal(int(f.Fd())) {
				return usagef("a tar is not written to a terminal: use -o FILE, or pipe it somewhere")
			}
			s, err := a.openContent(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			l, err := findLayer(s, got[0])
			if err != nil {
				return err
			}
			// A layer without a tar is known before anything is opened for writing.
			r, err := l.Tar(cmd.Context(), cstor.TarOptions{})
			if err != nil {
				return err
			}
			_ = r.Close() // was only opened
			out, err := a.create(cmd.Context(), s, output)
			if err != nil {
				return err
			}
			defer out.abort()
			if _, err := l.WriteTar(cmd.Context(), out, cstor.WriteOptions{}); err != nil {
				return err
			}
			return out.commit()
		},
		ValidArgsFunction: a.completeLayer(1),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to `FILE` instead of standard output")
	_ = cmd.MarkFlagFilename("output", "tar")
	return cmd
}
