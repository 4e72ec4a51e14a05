package main

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
)

// app is one run of the program.
type app struct {
	stdout, stderr io.Writer
	started        bool // the arguments were understood
	parts          parts
	progress       progress
	said           atomic.Bool  // that it was interrupted
	busy           atomic.Int32 // commands that are unhurried

	// global flags
	root, config, driver, sysroot string
	lock, noUnshare               bool
}

const (
	groupImages     = "images"
	groupContent    = "content"
	groupContainers = "containers"
	groupLayers     = "layers"
	groupStores     = "stores"
)

func (a *app) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cstor",
		Short: "Read what podman, buildah and CRI-O have stored, directly from disk",
		Long: `cstor reads the images and layers that podman, buildah, skopeo and CRI-O keep on
disk (containers-storage), without a daemon, without podman, and without writing
there. By default it finds the store as podman does.

IMAGE is an id, a unique beginning of one, a name, or a digest, also as
containers-storage:[DRIVER@GRAPHROOT+RUNROOT]NAME. LAYER is an id, a unique
beginning of one, or a link id.`,
		Version:       versionOf().String(),
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2, // letters: a default that cobra applies elsewhere

		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneStore(cmd); err != nil {
				return err
			}
			a.started = true
			return nil
		},
	}
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.AddGroup(
		&cobra.Group{ID: groupImages, Title: "Images:"},
		&cobra.Group{ID: groupContent, Title: "Content:"},
		&cobra.Group{ID: groupContainers, Title: "Containers:"},
		&cobra.Group{ID: groupLayers, Title: "Layers:"},
		&cobra.Group{ID: groupStores, Title: "Stores:"},
	)
	flags := cmd.PersistentFlags()
	flags.StringVar(&a.root, "root", "", "read the store in `DIR`, whatever is configured")
	flags.StringVar(&a.config, "storage-conf", "", "find the store by this storage.conf `FILE`")
	flags.StringVar(&a.driver, "storage-driver", "", "`NAME` of the storage driver: overlay or vfs")
	flags.StringVar(&a.sysroot, "sysroot", "", "find the stores of the system whose root is `DIR`, such as a mounted disk")
	flags.BoolVar(&a.lock, "lock", false, "keep writers out while content of layers is read: pulls and removals wait")
	flags.BoolVar(&a.noUnshare, "no-unshare", false, "stay out of your user namespace: of a rootless store, read what you may read")
	for _, name := range []string{"root", "sysroot"} {
		_ = cmd.MarkPersistentFlagDirname(name) // fails for unknown flags only
	}
	_ = cmd.MarkPersistentFlagFilename("storage-conf", "conf")
	_ = cmd.RegisterFlagCompletionFunc("storage-driver", cobra.FixedCompletions([]string{"overlay", "vfs"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.MarkFlagsMutuallyExclusive(storeFlags...) // for completion: oneStore comes first

	for _, group := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{groupImages, []*cobra.Command{a.listImages(), a.inspectImage()}},
		{groupContent, []*cobra.Command{a.ls(), a.cat(), a.toc(), a.reflinkToDir(), a.exportImage(), a.copyToOCI()}},
		{groupContainers, []*cobra.Command{a.listContainers(), a.inspectContainer(), a.diffContainer(), a.listPods(), a.listVolumes()}},
		{groupLayers, []*cobra.Command{a.listLayers(), a.inspectLayer(), a.exportLayer(), a.resolveLink()}},
		{groupStores, []*cobra.Command{a.info()}},
	} {
		for _, c := range group.commands {
			c.GroupID = group.id
			cmd.AddCommand(c)
		}
	}
	cmd.AddCommand(a.version(), a.man())
	return cmd
}

// unknownCommand is what any argument of the program itself is.
func unknownCommand(cmd *cobra.Command, got []string) error {
	if len(got) == 0 {
		return nil
	}
	if like := cmd.SuggestionsFor(got[0]); len(like) > 0 {
		return usagef("unknown command %q: did you mean %q?", got[0], like[0])
	}
	return usagef("unknown command %q", got[0])
}

// storeFlags each say which store is meant.
var storeFlags = []string{"root", "storage-conf", "sysroot"}

// oneStore checks that at most one of the flags is used, and that it says
// something: the variable that it was to be taken from may have been empty.
func oneStore(cmd *cobra.Command) error {
	var used []string
	for _, name := range storeFlags {
		f := cmd.Flag(name)
		if f == nil || !f.Changed {
			continue
		}
		if f.Value.String() == "" {
			return usagef("--%s is empty", name)
		}
		used = append(used, "--"+name)
	}
	if len(used) > 1 {
		return usagef("%s each say which store is meant: choose one", strings.Join(used, " and "))
	}
	return nil
}

// open opens the store that the flags, or else the configuration, lead to. The
// caller closes it.
func (a *app) open(cmd *cobra.Command) (*cstor.Storage, error) {
	s, err := a.find(cmd)
	if err == nil {
		a.warnAbout(s)
	}
	return s, err
}

// warnAbout prints the warnings of a store that was opened.
func (a *app) warnAbout(s *cstor.Storage) {
	for _, w := range s.Warnings() {
		a.warn(w)
	}
}

// find is open without warnings.
func (a *app) find(cmd *cobra.Command) (*cstor.Storage, error) {
	if a.root != "" {
		return cstor.Open(cmd.Context(), a.root, cstor.Options{Driver: a.driver, Lock: a.lock})
	}
	s, err := cstor.Discover(cmd.Context(), cstor.DiscoverOptions{ConfigFile: a.config, Driver: a.driver, Sysroot: a.sysroot, Lock: a.lock})
	if errors.Is(err, cstor.ErrNotStore) {
		err = hint(err, `"cstor info" shows where was looked, and --root DIR names a store`)
	}
	return s, err
}

// openImage opens the store that a reference names, and the image in it.
func (a *app) openImage(cmd *cobra.Command, text string) (*cstor.Storage, *cstor.Image, error) {
	s, i, err := a.findImage(cmd, text)
	if err == nil {
		a.warnAbout(s)
	}
	return s, i, err
}

// findImage is openImage that leaves warnings to its caller, unless it fails.
func (a *app) findImage(cmd *cobra.Command, text string) (*cstor.Storage, *cstor.Image, error) {
	ref, err := cstor.ParseReference(text)
	if err != nil {
		return nil, nil, usageError{err}
	}
	additional, err := additionalStores(ref.Options)
	if err != nil {
		return nil, nil, usagef("reference %q: %w", text, err)
	}
	var s *cstor.Storage
	switch {
	case ref.GraphRoot != "" && a.root+a.config+a.sysroot+a.driver != "":
		return nil, nil, usagef("%s names a store, and so do the flags: choose one", text)
	case ref.GraphRoot != "":
		s, err = cstor.Open(cmd.Context(), ref.GraphRoot, cstor.Options{
			Driver: ref.Driver, RunRoot: ref.RunRoot, AdditionalImageStores: additional, Lock: a.lock,
		})
		text = cstor.Transport + ref.Name
	case len(additional) > 0:
		return nil, nil, usagef("reference %q: additional image stores go with a GRAPHROOT", text)
	case ref.Driver != "":
		a.driver, text = ref.Driver, cstor.Transport+ref.Name
		fallthrough
	default:
		s, err = a.find(cmd)
	}
	if err != nil {
		return nil, nil, err
	}
	i, err := s.Image(text)
	if errors.Is(err, cstor.ErrNotFound) {
		err = notFound(s, err, `"cstor list-images" shows what is stored`)
	}
	if err != nil {
		a.warnAbout(s)
		_ = s.Close() // was only read
		return nil, nil, err
	}
	return s, i, nil
}

// findLayer finds a layer in an open store.
func findLayer(s *cstor.Storage, ref string) (*cstor.Layer, error) {
	l, err := s.Layer(ref)
	if errors.Is(err, cstor.ErrNotFound) {
		err = notFound(s, err, `"cstor list-layers" shows what is stored`)
	}
	return l, err
}

func findContainer(s *cstor.Storage, ref string) (*cstor.Container, error) {
	c, err := s.Container(ref)
	if errors.Is(err, cstor.ErrNotFound) {
		err = notFound(s, err, `"cstor list-containers" shows what is stored`)
	}
	return c, err
}

// notFound adds to err in which stores was looked.
func notFound(s *cstor.Storage, err error, advice string) error {
	info, infoErr := s.Info()
	if infoErr != nil {
		return hint(err, advice)
	}
	var roots []string
	for _, store := range info.Stores {
		roots = append(roots, store.Root)
	}
	if more := len(roots) - 5; more > 0 { // a mounted system may have many users
		roots = append(roots[:5], count(more, "other store"))
	}
	return hint(err, "looked in "+strings.Join(roots, ", ")+": "+advice)
}

// hinted is an error with advice on what to do next.
type hinted struct {
	err    error
	advice string
}

func hint(err error, advice string) error { return &hinted{err, advice} }

func (h *hinted) Error() string { return h.err.Error() + " (" + h.advice + ")" }

func (h *hinted) Unwrap() error { return h.err }
