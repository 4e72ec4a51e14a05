// Package beneath opens files below a directory and nowhere else.
//
// It is what everything that touches a store goes through. The bytes in a
// store are hostile: names, symbolic links, FIFOs, sockets and device nodes
// come from images that strangers built. A [Dir] holds the descriptor of a
// directory and a [Scope], the rule for names looked up in it. Lookups use
// openat2(2); where the kernel (before 5.6) or a seccomp filter refuses it,
// names are walked one component at a time with the same results.
//
// What is guaranteed:
//
//   - No name and no link in the tree reaches anything outside of it, also
//     while others rename and exchange directories during the lookup. Magic
//     links of a proc file system inside the tree are refused.
//   - Only regular files and directories are opened. FIFOs, sockets and device
//     nodes are looked at through O_PATH descriptors, which neither block nor
//     run a driver's open function. (A FIFO where [Dir.UseFile] or [Dir.ReadInto]
//     expects a file may be opened for a moment; it does not block.) A lease held by
//     another process is an error matching EAGAIN, not a wait.
//   - Nothing is opened for writing, and no access time of a file or directory
//     changes where the kernel grants O_NOATIME: to the owner and to a holder
//     of CAP_FOWNER.
//   - Memory is bounded: names by PATH_MAX, links by 40 in a lookup, extended
//     attributes by 1 MiB an entry, [Dir.ReadFile] by the caller's limit.
//
// What is not:
//
//   - [Inside] goes up from a directory that the user names, and opens its parents
//     with O_PATH. It looks nothing up by a name from a store.
//   - Mount points and bind mounts inside the tree are crossed. A hanging
//     network or FUSE file system mounted there hangs the caller.
//   - A Dir is a descriptor, not a name: after a rename it is the same
//     directory in its new place. A directory moved out of the tree during a
//     lookup may still be searched by that lookup, ".." excepted.
//   - Hard links are files like any other.
//   - Following or reading a symbolic link updates its access time: no flag of
//     the kernel prevents it but the mount option noatime.
//   - The walk refuses names more than 512 directories deep, does not know the
//     mount option nosymfollow or the sysctl protected_symlinks, and recognizes
//     magic links by the shape of their text.
//   - Without /proc, a file is opened by its name a second time and compared
//     with the one looked at before. Who exchanges a file for a device node
//     exactly in between gets the device opened, though not returned; and
//     [Dir.Xattrs] works for regular files and directories only.
//
// The package works on Linux only.
package beneath
