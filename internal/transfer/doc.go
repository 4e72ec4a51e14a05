// Package transfer moves bytes between files inside the kernel where it can: by
// copy_file_range(2), which on some file systems shares blocks instead of copying
// them, by sendfile(2) into what is not a regular file, such as a pipe, and by
// reading and writing where neither is to be had.
package transfer
