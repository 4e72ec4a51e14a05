package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor/ocicopy"
)

// transports are what a DEST of copy-to-oci can begin with.
var transports = []cobra.Completion{
	cobra.CompletionWithDesc(string(ocicopy.TransportOCI)+":", "OCI layout in a directory"),
	cobra.CompletionWithDesc(string(ocicopy.TransportOCIArchive)+":", "OCI layout in one tar"),
	cobra.CompletionWithDesc(string(ocicopy.TransportDockerArchive)+":", "archive as of docker save"),
	cobra.CompletionWithDesc(string(ocicopy.TransportDocker)+"://", "registry"),
}

// completeArgs offers images, and behind the first also what a DEST can be.
func (x *ociCopy) completeArgs(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if x.all && len(have) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var fit []cobra.Completion
	directive := cobra.ShellCompDirectiveNoFileComp
	if !x.all {
		fit, directive = x.completeImage()(cmd, nil, typed)
	}
	if !x.all && len(have) == 0 {
		return fit, directive
	}
	for _, t := range transports {
		if name, _, _ := strings.Cut(t, "\t"); strings.HasPrefix(name, typed) && name != typed {
			fit = append(fit, t)
			directive |= cobra.ShellCompDirectiveNoSpace
		}
	}
	for _, name := range pathsFor(typed) {
		fit = append(fit, name)
		if strings.HasSuffix(name, "/") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
	}
	return fit, directive
}

// pathsFor are files and directories for a DEST that has been begun.
func pathsFor(typed string) (all []string) {
	transport, path, ok := strings.Cut(typed, ":")
	switch {
	case !ok:
		transport, path = "", typed
	case ocicopy.Transport(transport) == ocicopy.TransportDocker:
		return nil
	default:
		transport += ":"
	}
	dir, base := filepath.Split(path)
	at := dir
	if at == "" {
		at = "."
	}
	list, err := os.ReadDir(at)
	if err != nil {
		return nil
	}
	for _, e := range list {
		name := transport + dir + e.Name()
		switch {
		case !strings.HasPrefix(e.Name(), base), base == "" && e.Name()[0] == '.', printable(name) != name:
			continue
		case isDirectory(dir + e.Name()):
			name += "/"
		case transport == "" || transport == string(ocicopy.TransportOCI)+":":
			continue // a layout is a directory
		}
		all = append(all, name)
	}
	return all
}
