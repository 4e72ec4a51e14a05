package userns

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"strconv"
	"strings"
)

// account is the calling user.
type account struct {
	name     string // "" if not known
	uid, gid uint32
}

// caller finds the name of the calling user in a list such as /etc/passwd. One who
// comes from elsewhere, as from a directory service, is who his environment says that
// he is; newuidmap will know better.
func caller(passwd string) account {
	who := account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	if f, err := os.Open(passwd); err == nil {
		defer f.Close()
		who.name = nameOf(io.LimitReader(f, maxSubids), who.uid)
	}
	who.name = cmp.Or(who.name, os.Getenv("USER"), os.Getenv("LOGNAME"))
	return who
}

// nameOf is the name of an id in the lines of passwd(5).
func nameOf(passwd io.Reader, uid uint32) string {
	scanner := bufio.NewScanner(passwd)
	for scanner.Scan() {
		f := strings.SplitN(scanner.Text(), ":", 4)
		if len(f) == 4 && f[2] == strconv.FormatUint(uint64(uid), 10) {
			return f[0]
		}
	}
	return ""
}

// String is how messages name the user.
func (a account) String() string {
	return cmp.Or(a.name, strconv.FormatUint(uint64(a.uid), 10))
}
