// Package userns brings a program into the user namespace that owns a rootless
// store.
//
// The files of a rootless store belong to subordinate ids of the user, and some of
// them only those ids may read. Inside the user's namespace, where the user is root
// and the subordinate ids are ordinary ones, all of them can be read, and show the
// owners that the images give them. Reading a store's lists needs none of this: they
// belong to the user.
//
// A Go process has many threads and cannot enter a user namespace itself. So a
// program is executed anew: [Enter] does so for the program as a whole, and does not
// come back. A program that others use, as a library does, cannot be asked for that: a
// [Helper] starts a process in the namespace for each store, which answers for the
// store's files, while the program stays what and where it is.
//
//	func main() {
//		userns.Init() // first of all
//		…
//		if userns.Needed(root) {
//			err := userns.Enter(ctx) // only if it could not
//		}
//
// or, after Init, without entering:
//
//	var helper userns.Helper
//	defer helper.Close()
//	s, err := cstor.Discover(ctx, cstor.DiscoverOptions{Helper: &helper})
//
// A new namespace is made by starting the program itself in it, where it waits until
// newuidmap and newgidmap, started from outside, have given it ids. What it does
// there is a role, which [Init] plays. A namespace exists as long as a descriptor of
// it does: once it has its ids, nsenter joins it and executes the program, in the
// process that wanted to enter. Where there is no nsenter, the program runs as the
// child that it started, and the parent passes signals on.
//
// The maps are those that podman makes, so that the owners of files are what podman
// wrote them as.
package userns
