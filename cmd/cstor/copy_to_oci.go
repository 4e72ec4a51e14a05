package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/ocicopy"
	"github.com/cstor-go/cstor/ocisource"
)

// ociCopy is one run of copy-to-oci, as its flags say.
type ociCopy struct {
	*app
	to                            ocicopy.Target
	platform, compression, format string
	level                         int
	all, quiet                    bool
	digestFile                    string
	failed                        error // not all images were copied, which has been told
	access                        registryAccess
}

func (a *app) copyToOCI() *cobra.Command {
	x := &ociCopy{app: a}
	cmd := &cobra.Command{
		Use:   "copy-to-oci IMAGE... DEST | --all-images DEST",
		Short: "Copy images to an OCI layout, an archive or a registry",
		Long: `Copy images, with their configuration byte for byte, so that they keep their ids, and
with a manifest made for the layers as they are then. DEST is one of

  DIR, oci:DIR[:REF]          an OCI layout: made, or added to
  oci-archive:FILE[:REF]      the same in one tar
  docker-archive:FILE[:REF]   as of "docker save", for "docker load", "podman load" and kind
  docker://HOST/NAME[:TAG]    a registry

What is there already is not written or sent again, so a copy that was interrupted can
be run again. Nothing has its name before it is complete and was checked. Without REF,
an image is called by its full name in the store.

Credentials for a registry are those of "podman login", or of "docker login", with their
helpers.

The digest of each manifest is printed; what is done meanwhile goes to standard error.`,
		Example: `  cstor copy-to-oci alpine busybox layout
  cstor copy-to-oci --compression zstd alpine oci:layout:alpine
  cstor copy-to-oci alpine docker-archive:/dev/stdout | ssh host docker load
  cstor copy-to-oci app:1 docker://quay.io/me/app:1`,
		RunE:              x.run,
		ValidArgsFunction: x.completeArgs,
	}
	f := cmd.Flags()
	f.StringVar(&x.compression, "compression", "", "compress layers by \"gzip\", \"zstd\" or \"none\" (default none; gzip for registries)")
	f.IntVar(&x.level, "compression-level", 0, "`LEVEL` of compression: 1 to 9 of gzip, 1 to 22 of zstd (default: the usual one)")
	f.StringVar(&x.format, "manifest-format", "oci", "make manifests of the format \"oci\" or \"docker\"")
	f.StringVar(&x.platform, "platform", "", "choose this `OS/ARCH[/VARIANT]` of a list of manifests")
	f.BoolVar(&x.all, "all-images", false, "copy all images of the store, by all their names")
	f.BoolVarP(&x.quiet, "quiet", "q", false, "print manifest digests only")
	f.StringVar(&x.digestFile, "digestfile", "", "write the manifest's digest to `FILE` as well")
	x.access.flags(cmd)
	for name, values := range map[string][]string{"compression": {"none", "gzip", "zstd"}, "manifest-format": {"oci", "docker"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

func (x *ociCopy) run(cmd *cobra.Command, got []string) error {
	opts, err := x.check(cmd, got)
	if err != nil {
		return err
	}
	began := time.Now()
	s, images, err := x.find(cmd, got[:len(got)-1])
	if err != nil {
		return err
	}
	defer s.Close()
	digests, err := x.digests(cmd, s)
	if err != nil {
		return err
	}
	defer digests.abort()
	// What is kept is many times as much as in other commands: see main.
	debug.SetGCPercent(100)
	if !x.streamed() {
		defer x.unhurried()()
	}
	images, err = x.readable(cmd, images, opts)
	if err != nil {
		return x.advise(err)
	}
	if len(images) == 0 {
		return x.failed
	}
	to := x.to.Local()
	if to == nil {
		if to, err = x.access.open(cmd.Context(), s, x.to, images); err != nil {
			return x.advise(err)
		}
	}
	show := &copyProgress{app: x.app, quiet: x.quiet}
	opts.Progress = show.tell
	defer x.progress.stop()
	show.start()
	report, err := ocicopy.Copy(cmd.Context(), images, to, opts)
	if err != nil {
		return x.advise(err)
	}
	x.progress.stop()
	if err := x.finish(report, digests, time.Since(began)); err != nil {
		return err
	}
	return x.failed
}

// check finds wrong usage, and returns what else the flags say.
func (x *ociCopy) check(cmd *cobra.Command, got []string) (opts ocicopy.Options, err error) {
	switch {
	case x.all && len(got) != 1:
		return opts, usagef("--all-images takes a DEST alone")
	case !x.all && len(got) < 2:
		return opts, usagef("copy-to-oci takes IMAGEs and a DEST")
	}
	if x.to, err = ocicopy.ParseDestination(got[len(got)-1]); err != nil {
		return opts, usageError{err}
	}
	registry := x.to.Transport == ocicopy.TransportDocker
	several := x.all || len(got) > 2
	switch {
	case several && registry:
		return opts, usagef("%s names one image: several go to a layout or an archive", x.to)
	case several && x.to.Ref != "":
		return opts, usagef("REF %q names one image: several keep their own names", x.to.Ref)
	case x.digestFile == "" && cmd.Flags().Changed("digestfile"):
		return opts, usagef("--digestfile is empty")
	case x.compression == "" && cmd.Flags().Changed("compression"):
		return opts, usagef("--compression is empty")
	case x.compression == "" && registry:
		x.compression = string(ocisource.Gzip)
	}
	var want v1.Platform
	if want, err = parsePlatform(x.platform); err != nil {
		return opts, err
	}
	opts.Source = ocisource.Options{
		Compression: ocisource.Compression(x.compression), Level: x.level, Format: ocisource.Format(x.format), Platform: want,
	}
	if x.to.Transport == ocicopy.TransportDockerArchive && opts.Source.Compression != "" && opts.Source.Compression != ocisource.None {
		return opts, usagef("layers in a docker-archive are not compressed")
	}
	return opts, x.access.check(cmd, registry)
}

// digests opens the file for digests, before anything is copied. Without one all calls of
// the result do nothing.
func (x *ociCopy) digests(cmd *cobra.Command, s *cstor.Storage) (*output, error) {
	if x.digestFile == "" {
		return &output{}, nil
	}
	return x.create(cmd.Context(), s, x.digestFile)
}

// finish says what was done.
func (x *ociCopy) finish(report ocicopy.Report, digests *output, took time.Duration) error {
	var text strings.Builder
	for _, i := range report.Images {
		fmt.Fprintln(&text, i.Descriptor.Digest)
	}
	if digests.Writer != nil {
		whole := text.String()
		if len(report.Images) == 1 {
			whole = strings.TrimSpace(whole) // as podman has it
		}
		if _, err := digests.Write([]byte(whole)); err != nil {
			return err
		}
		if err := digests.commit(); err != nil {
			return err
		}
	}
	if !x.quiet {
		for _, i := range report.Images {
			name := "image " + short(i.Image.ID())
			if i.Ref != "" {
				name = printable(i.Ref) + ": " + name
			}
			x.progress.print(x.stderr, fmt.Sprintf("%s: manifest %s\n", name, short(i.Descriptor.Digest.String())))
		}
		was := ""
		if report.Reused > 0 {
			was = fmt.Sprintf(", %d of which were there", report.Reused)
		}
		x.progress.print(x.stderr, fmt.Sprintf("%s: %s, %s%s, %s written, %.1f s\n", printable(x.to.String()),
			count(len(report.Images), "image"), count(report.Layers, "layer"), was, size(report.Written), took.Seconds()))
	}
	if x.ontoStdout() {
		return nil
	}
	_, err := fmt.Fprint(x.stdout, text.String())
	return err
}

// streamed reports whether an archive goes to a FIFO or a device: whoever reads it may
// block the command for ever.
func (x *ociCopy) streamed() bool {
	if x.to.Transport == ocicopy.TransportOCI || x.to.Transport == ocicopy.TransportDocker {
		return false
	}
	info, err := os.Stat(x.to.Path)
	return err == nil && !info.Mode().IsRegular()
}

// ontoStdout reports whether the archive itself has been written to standard output.
func (x *ociCopy) ontoStdout() bool {
	f, ok := x.stdout.(*os.File)
	if !ok || !x.streamed() {
		return false
	}
	ours, err1 := f.Stat()
	theirs, err2 := os.Stat(x.to.Path)
	return err1 == nil && err2 == nil && os.SameFile(ours, theirs)
}

// advise adds to an error what can be done about it.
func (x *ociCopy) advise(err error) error {
	switch {
	case errors.Is(err, ocicopy.ErrDestination), errors.Is(err, ocisource.ErrOptions):
		return usageError{err}
	case errors.Is(err, ocicopy.ErrReference) && !x.all && x.to.Transport != ocicopy.TransportDocker:
		return hint(err, "a REF behind DEST names the image there")
	case errors.Is(err, ocicopy.ErrNotLayout):
		return hint(err, "choose a DIR that is not there, empty, or an OCI layout")
	}
	return x.access.advise(err, x.to)
}
