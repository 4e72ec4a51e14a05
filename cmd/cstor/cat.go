package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/imagefs"
)

func (a *app) cat() *cobra.Command {
	x := subject{app: a}
	cmd := &cobra.Command{
		Use:   "cat IMAGE PATH... | --container NAME PATH... | --layer LAYER PATH...",
		Short: "Print files of an image",
		Long: `Print files of an image or a container, one after the other, without mounting it: only the layers'
folders that lead to a file are looked at, and only the file is opened. Symbolic links
are resolved inside the image. What is not a regular file is an error, after which the
other files are still printed.`,
		Example: "  cstor cat alpine /etc/os-release\n  cstor cat --container web /etc/hosts\n  cstor cat --layer 9e3985fa1618 etc/passwd",
		RunE: func(cmd *cobra.Command, got []string) error {
			paths, _, err := x.check(cmd, got)
			if err == nil && len(paths) == 0 {
				err = usagef("cat takes a PATH in the image, or several")
			}
			if err == nil {
				err = noEmpty(paths)
			}
			if err != nil {
				return err
			}
			s, layers, err := x.open(cmd, got, true)
			if err != nil {
				return err
			}
			defer s.Close()
			tree, err := imagefs.New(layers, imagefs.Options{})
			if err != nil {
				return err
			}
			return eachPath(&x, x.name(got), paths, tree.OpenFile, func(_ int, path string, f *os.File) error {
				return copyFile(cmd.Context(), a.stdout, f, path)
			})
		},
		ValidArgsFunction: x.completePath(1 << 10),
	}
	x.flags(cmd)
	return cmd
}

// copyFile writes a file of an image to w, inside the kernel if that can be, and closes
// it.
func copyFile(ctx context.Context, w io.Writer, f *os.File, path string) error {
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	defer stop()
	if _, err := io.Copy(w, f); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
