package storageconf

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	maxPasswdSize = 4 << 20 // bytes
	maxUsers      = 10_000
)

// User is an account that may have a storage of its own.
type User struct {
	Name string
	UID  int
	GID  int    // -1 if it is not known
	Home string // absolute and clean
}

// Getenv answers as the environment after a login of that user would: HOME,
// USER, LOGNAME, and nothing else. It is meant for Request.Getenv.
func (u User) Getenv(name string) (string, bool) {
	switch name {
	case "HOME":
		return u.Home, true
	case "USER", "LOGNAME":
		return u.Name, true
	}
	return "", false
}

// Users lists the accounts in /etc/passwd of the system behind fsys, in the
// order of that file, so that [Discover] can be called once for each. Malformed
// lines and homes that are not absolute paths are skipped. Of several accounts
// with one home only the first is listed, because they would share a storage;
// but root, whose storage is elsewhere, is listed beside them.
//
// A file over 4 MiB, or more than 10,000 such accounts, give an error that
// matches [ErrTooLarge], the latter together with the first 10,000. No file
// gives an error that matches [fs.ErrNotExist].
func Users(fsys FS) ([]User, error) {
	data, err := readPasswd(fsys)
	if err != nil {
		return nil, err
	}
	var users []User
	type place struct {
		home string
		root bool
	}
	seen := make(map[place]bool)
	for line := range strings.Lines(string(data)) {
		user, ok := parsePasswd(strings.TrimSuffix(line, "\n"))
		at := place{user.Home, user.UID == 0}
		if !ok || user.Home == "" || seen[at] {
			continue
		}
		if len(users) == maxUsers {
			return users, &SourceError{Source: passwd, Err: fmt.Errorf("%w: over %d users", ErrTooLarge, maxUsers)}
		}
		seen[at] = true
		users = append(users, user)
	}
	return users, nil
}

// UserByID finds the first account in /etc/passwd that has a user id; its home
// may be anything, and is empty if it is not an absolute path. ok is false if
// there is none. Errors are those of [Users].
func UserByID(fsys FS, uid int) (user User, ok bool, err error) {
	data, err := readPasswd(fsys)
	if err != nil {
		return User{}, false, err
	}
	for line := range strings.Lines(string(data)) {
		user, ok := parsePasswd(strings.TrimSuffix(line, "\n"))
		if ok && user.UID == uid {
			return user, true, nil
		}
	}
	return User{}, false, nil
}

const passwd = "/etc/passwd"

func readPasswd(fsys FS) ([]byte, error) {
	data, err := fsys.ReadFile(passwd)
	if err == nil && len(data) > maxPasswdSize {
		err = fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(data), maxPasswdSize)
	}
	if err != nil {
		return nil, &SourceError{Source: passwd, Err: cause(err)}
	}
	return data, nil
}

// parsePasswd reads name:password:uid:gid:comment:home:shell (passwd(5)).
func parsePasswd(line string) (User, bool) {
	f := strings.Split(line, ":")
	if len(f) != 7 || f[0] == "" || strings.HasPrefix(f[0], "#") {
		return User{}, false
	}
	// 2³²−1 is no user id: chown takes it for "leave as it is".
	uid, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil || uid == 1<<32-1 || uid > maxInt {
		return User{}, false
	}
	gid, err := strconv.ParseUint(f[3], 10, 32)
	user := User{Name: f[0], UID: int(uid), GID: int(gid)}
	if err != nil || gid == 1<<32-1 || gid > maxInt {
		user.GID = -1
	}
	if home, err := cleanPath("", "", f[5]); err == nil {
		user.Home = home
	}
	return user, true
}

const maxInt = uint64(^uint(0) >> 1)
