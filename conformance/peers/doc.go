// Package peers runs the real podman, buildah and skopeo of several generations, so that stores can be written by the
// tools that write them in the field.
//
// There are three: the tools of the machine itself, and those of two Debian releases that live in boxes. A box is a root
// file system made by debootstrap and entered through namespaces of its own; box.sh, beside this file, makes, starts and
// stops it, and says why a chroot would be dangerous. Boxes are kept in a folder ($CSTOR_PEERS, else
// /var/tmp/cstor-peers) from one run to the next, because making one takes most of a minute.
//
//	p, err := peers.Start(ctx, "trixie") // makes the box first when it is not there
//	defer p.Stop()
//	out, err := p.Run(ctx, peers.Command{Script: "podman --version"})
//
// A peer that cannot be had is an error matching [ErrMissing], whose text says what would enable it. Whether that fails a
// test or skips it is the caller's decision; [Required] tells what the environment asks for.
//
// The package downloads packages only while making a box, from the mirror that apt is configured with.
package peers
