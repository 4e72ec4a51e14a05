package conformance

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/conformance/corpus"
)

// age gives every regular file of a store an access time long past, so that whoever reads one without O_NOATIME is found
// out, also on a file system that is mounted with relatime.
func age(t *testing.T, s *corpus.Store) {
	t.Helper()
	err := filepath.WalkDir(s.Base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Sec: 1}, {Nsec: unix.UTIME_OMIT}}, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fingerprint describes every file of a store, by path, so that whoever wrote in between is found out: identity, mode,
// owner, size, times of content and inode, and of regular files the time of access. (The kernel sets the times of access
// of links whenever it follows one, and those of directories by this very walk.)
func fingerprint(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	prints := map[string]string{}
	err := filepath.WalkDir(s.Base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		description := fmt.Sprintf("inode %d mode %o links %d owner %d:%d size %d mtime %v ctime %v",
			st.Ino, st.Mode, st.Nlink, st.Uid, st.Gid, st.Size, st.Mtim, st.Ctim)
		if d.Type().IsRegular() {
			description += fmt.Sprintf(" atime %v", st.Atim)
		}
		prints[path] = description
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return prints
}
