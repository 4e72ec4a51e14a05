// Package changes tells what a container has changed, as "podman diff" does, without
// mounting it.
//
//	layers, err := container.Layers()
//	for c, err := range changes.Of(ctx, layers, changes.Options{}) {
//		fmt.Println(c) // "C /etc", "A /etc/new", "D /etc/motd"
//	}
//
// It walks the top layer of a stack, which has what was written, and looks each name up
// in the layers below, by the rules of the reference (container-libs
// storage/pkg/archive/changes.go:changes, changes_linux.go:overlayDeletedFile). Content is
// not compared: a file that is in the layer was changed. A directory was changed if its
// mode, time or size differ from those below, or if something was added to it or removed
// from it. A directory that was deleted and made anew is told as deleted, and what is in
// it as added, or as changed where there was something of that name.
//
// Where the layer does not tell (the whole trees of the vfs driver, the marks of mount
// programs, directories that overlay has renamed), the trees with and without it are
// compared, by metadata, which is what the reference does there (changes.go:ChangesDirs,
// drivers/overlay/overlay.go:useNaiveDiff). It also does it wherever the options of its
// mounts would have overlay rename directories; there the answers can differ: a file that
// was written as it had been before is no change by its metadata.
package changes
