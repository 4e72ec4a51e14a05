package libpoddb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/cstor-go/cstor/internal/beneath"
)

// Rebooted reports whether the running system has booted since podman last used the
// database; then what ran does not any more, and [Database.AfterBoot] is what podman will
// make of it. It is for databases of the running system only. If that cannot be told, known is
// false, and the database's word stands.
//
// Podman keeps a file "alive", which holds the boot's id, in a directory that should not
// outlive the system (libpod/runtime.go:makeRuntime, libpod/runtime_linux.go:checkBootID,
// v5.8). If it is not there podman resets the database when it is next called. If it is
// there with another boot's id podman only says that the directory is to be deleted, and
// resets the database after that; nothing runs in either case. The database names the
// directory, but a database may name anything: only the usual ones are looked at, and only
// for a database that lies where it says.
func (d *Database) Rebooted() (rebooted, known bool) {
	return d.rebooted("/")
}

// usualTmp are root's and a user's directory.
var usualTmp = regexp.MustCompile(`^/run/(libpod|user/[0-9]+/libpod/tmp)$`)

// rebooted is that for the system whose root is at root.
func (d *Database) rebooted(root string) (rebooted, known bool) {
	if !usualTmp.MatchString(d.Config.TmpDir) || filepath.Clean(d.Config.GraphRoot) != d.Store {
		return false, false
	}
	system, err := beneath.Open(root, beneath.InRoot)
	if err != nil {
		return false, false
	}
	defer system.Close()
	now, err := os.ReadFile(filepath.Join(root, "proc/sys/kernel/random/boot_id"))
	if err != nil {
		return false, false
	}
	then, err := system.ReadFile(d.Config.TmpDir+"/alive", 64)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, true
	case err != nil:
		return false, false
	}
	// Older versions left it empty: it is there, so the system has not booted.
	return len(then) > 0 && string(then) != string(now), true
}
