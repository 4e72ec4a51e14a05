// Package userns brings a program into the user namespace that owns a rootless
// store.
//
// The files of a rootless store belong to subordinate ids of the user, and some of
// them only those ids may read. Inside the user's namespace, where the user is root
// and the subordinate ids are ordinary ones, all of them can be read, and show the
// owners that the images give them. A Go process has many threads and cannot join a
// user namespace itself, so that the way in is to be executed anew: [Reexec] does
// so through "podman unshare", which knows the user's id maps and any namespace
// that already holds them.
//
// Reading a store's lists needs none of this: they belong to the user.
package userns
