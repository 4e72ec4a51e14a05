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
	const path = "/etc/passwd"
	data, err := fsys.ReadFile(path)
	if err == nil && len(data) > maxPasswdSize {
		err = fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(data), maxPasswdSize)
	}
	if err != nil {
		return nil, &SourceError{Source: path, Err: cause(err)}
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
		if !ok || seen[at] {
			continue
		}
		if len(users) == maxUsers {
			return users, &SourceError{Source: path, Err: fmt.Errorf("%w: over %d users", ErrTooLarge, maxUsers)}
		}
		seen[at] = true
		users = append(users, user)
	}
	return users, nil
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
	home, err := cleanPath("", "", f[5])
	if err != nil {
		return User{}, false
	}
	return User{Name: f[0], UID: int(uid), Home: home}, true
}

const maxInt = uint64(^uint(0) >> 1)
