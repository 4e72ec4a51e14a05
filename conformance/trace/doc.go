// Package trace runs a program under strace and tells which of its system calls could have changed something below given
// directories: opening for writing or creating, writing to a descriptor, making, removing, renaming and linking names, and
// setting modes, owners, times and extended attributes.
//
// Paths are resolved with the help of `strace -y`, which prints the path behind every descriptor: a relative name is
// joined to the directory descriptor that stands before it, and the path of a descriptor that a call returned counts as
// well, so that links into the directories, /proc/self/fd among them, do not hide anything.
//
// A call counts whether it succeeded or not: a reader does not even try.
package trace
