package storetest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// nobody is the user that AsUser becomes.
const nobody = 65534

// AsUser runs f as an ordinary user. If the test already runs as one, f is just
// called. If it runs as root, the test binary is started once more as uid 65534
// for the calling test alone, f runs there, and its result counts here. A
// parent test that calls t.Parallel is fine; code before AsUser runs twice.
func AsUser(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		f(t)
		return
	}
	asUser(t, nil)
}

// AsUserWithIDs is AsUser for a user who has the subordinate ids [SubordinateIDs] and
// 65535 after it, as users of podman have, and is in one group more. It skips unless the test runs as root on a
// machine with newuidmap, unshare and setpriv: the ids are his in a mount namespace
// alone, and the machine's own lists stay as they are.
func AsUserWithIDs(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	const inside = "STORETEST_IDS"
	switch {
	case os.Getenv(inside) != "":
		f(t)
		return
	case os.Geteuid() != 0:
		t.Skip("only root can give a user subordinate ids")
	}
	for _, name := range []string{"newuidmap", "newgidmap", "unshare", "setpriv"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v: packages uidmap and util-linux have it", err)
		}
	}
	for _, list := range []string{"/etc/subuid", "/etc/subgid"} {
		if _, err := os.Stat(list); err != nil {
			t.Skipf("there is nothing to mount a list on: %v", err)
		}
	}
	who := fmt.Sprintf("--reuid=%[1]d --regid=%[1]d --clear-groups", nobody)
	try := slices.Concat([]string{"--mount", "setpriv"}, strings.Fields(who), []string{"unshare", "--user", "true"})
	if out, err := exec.CommandContext(t.Context(), "unshare", try...).CombinedOutput(); err != nil {
		t.Skipf("namespaces cannot be made here: %v: %s", err, out)
	}
	t.Setenv(inside, "1")
	asUser(t, []string{"unshare", "--mount", "--propagation", "private", "sh", "-euc", giveIDs, "sh"})
}

// SubordinateIDs is the first subordinate id of the user of AsUserWithIDs.
const SubordinateIDs = 1_000_000

// giveIDs runs its arguments as the user.
var giveIDs = fmt.Sprintf(`
umask 022
for list in subuid subgid; do
	echo %[1]d:%[2]d:65536 > "$HOME/../$list"
	mount --bind "$HOME/../$list" /etc/$list
done
exec setpriv --reuid=%[1]d --regid=%[1]d --groups=4242 -- "$@"`, nobody, SubordinateIDs)

// asUser runs the calling test in a process of its own. Behind argv, if there is
// one, comes the command that becomes the user.
func asUser(t *testing.T, argv []string) {
	t.Helper()
	// Neither the build folder nor t.TempDir can be entered by another user.
	dir, err := os.MkdirTemp("", "storetest-user-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	tmp := filepath.Join(dir, "tmp")
	binary := filepath.Join(dir, "test")
	for _, err := range []error{
		os.Chmod(dir, 0o755), os.Mkdir(tmp, 0o700), os.Chown(tmp, nobody, nobody), copyBinary(binary),
		os.Chmod(binary, 0o755), // whatever the umask
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	all := slices.Concat(argv, []string{binary, "-test.v", "-test.count=1", "-test.run=" + strings.Join(pattern, "/")})
	cmd := exec.CommandContext(t.Context(), all[0], all[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOME="+tmp)
	if argv == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if err == nil && strings.Contains(string(out), "--- SKIP: "+t.Name()+" (") {
		t.Skipf("as user %d:\n%s", nobody, out)
	}
	// A pattern that matches nothing would pass.
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" (") {
		t.Fatalf("as user %d: %v\n%s", nobody, err, out)
	}
}

func copyBinary(to string) error {
	// A process that another test forks meanwhile would hold the file open for
	// writing until it executes, and the file could not be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := os.Open(self)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
