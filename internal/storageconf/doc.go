// Package storageconf answers where a containers-storage lies: which
// storage.conf files count, what environment variables and per-user defaults
// make of them, and which graph root, run root, driver, image store and
// additional stores follow.
//
// Two generations of the storage library answer differently, and tools of both
// are in use, often on one machine. [RulesNew] (storage 1.63 and later, Podman
// 6) reads one main file, then drop-in directories, and applies graphroot to
// everyone. [RulesOld] (storage 1.62 and earlier, Podman 4 and 5) knows no
// drop-ins, and gives a rootless user nothing of the system's graphroot.
// [Discover] works both out. Where they differ it takes the one whose store
// exists and reports the other, so that "my image is not found" can be
// answered with the place where the other generation would look.
//
// Configuration is read through an [FS] and a Getenv function; the package
// itself touches neither the process's environment nor the host's files, unless
// it is given [Host]. The same code so describes a system mounted elsewhere:
// [Users] lists whose stores may be there, and [User.Getenv] stands for a login.
//
// Every file, variable and default that was considered is a [Step] of
// [Result.Trace], in the order in which it was considered.
//
// The package opens nothing inside a store. It stats, to choose between two
// answers and for [PickDriver], the graph root and the directories directly
// below it. A store that is missing or cannot be read is not an error here. It
// writes nothing and creates no runtime directory, as the library would.
//
// Where the library refuses a configuration because it could not write with it
// (an unusable runtime directory, a missing additional store, a driver option
// that it does not know), a reader can go on: the trace says so instead.
package storageconf
