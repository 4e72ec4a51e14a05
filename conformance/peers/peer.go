package peers

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Machine is the name of the peer that has no box: the tools found in $PATH.
const Machine = "machine"

// Names lists all peers, oldest first. The last one, Debian unstable, may be missing even where peers are required.
var Names = []string{Machine, "trixie", "sid"}

// ErrMissing is matched by errors that say that a peer cannot be had on this machine.
var ErrMissing = errors.New("peer missing")

// Required tells whether a missing peer of that name is a failure and no reason to skip: $CSTOR_REQUIRE_PEERS is 1, and
// the peer is not Debian unstable, which is now and then not installable.
func Required(name string) bool {
	return os.Getenv("CSTOR_REQUIRE_PEERS") == "1" && name != "sid"
}

//go:embed box.sh
var boxScript []byte

// Peer is a place where the tools of one generation run. It is safe for concurrent use until Stop.
type Peer struct {
	// Name is one of [Names].
	Name string
	// Root is where the peer's root file system lies on this machine: "/" for [Machine].
	Root string

	script  string // a copy of box.sh; "" for Machine
	started bool   // by us, so Stop stops it
}

// Command is one shell script to run.
type Command struct {
	// Script is run by `bash -eu -c`.
	Script string
	// User runs it as the ordinary user u1 instead of root. Only boxes have one.
	User bool
	// Env are "KEY=value" settings.
	Env []string
	// Timeout ends the script; 0 means 2 minutes.
	Timeout time.Duration
}

// Start returns a running peer. The error matches [ErrMissing] when it cannot be had here.
func Start(ctx context.Context, name string) (*Peer, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: %s: run the tests as root", ErrMissing, name)
	}
	if name == Machine {
		return startMachine()
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		return nil, fmt.Errorf("%w: %s: install debootstrap", ErrMissing, name)
	}
	dir, err := os.MkdirTemp("", "cstor-box-")
	if err != nil {
		return nil, err
	}
	p := &Peer{Name: name, script: filepath.Join(dir, "box.sh")}
	if err := p.startBox(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrMissing, name, err), os.RemoveAll(dir))
	}
	return p, nil
}

func startMachine() (*Peer, error) {
	for _, tool := range []string{"podman", "buildah", "skopeo", "setfattr", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: %s: install podman, buildah, skopeo, attr and util-linux (no %s)", ErrMissing, Machine, tool)
		}
	}
	return &Peer{Name: Machine, Root: "/"}, nil
}

func (p *Peer) startBox(ctx context.Context) error {
	if err := os.WriteFile(p.script, boxScript, 0o700); err != nil {
		return err
	}
	// Making takes 45 seconds on a fast mirror; a slow one must not use up the test's own time limit.
	if _, err := p.box(ctx, 6*time.Minute, "make"); err != nil {
		return err
	}
	root, err := p.box(ctx, 10*time.Second, "root")
	if err != nil {
		return err
	}
	out, err := p.box(ctx, 30*time.Second, "start", fmt.Sprint(os.Getpid()))
	if err != nil {
		return err
	}
	p.Root = strings.TrimSpace(string(root))
	p.started = strings.TrimSpace(string(out)) == "started"
	return nil
}

func (p *Peer) box(ctx context.Context, limit time.Duration, verb string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return output(exec.CommandContext(ctx, "bash", append([]string{p.script, verb, p.Name}, args...)...))
}

// Stop ends the peer with everything that runs or is mounted in it, unless it was running before Start. A box that was
// started here also ends with this process, however that ends.
func (p *Peer) Stop() error {
	if p.script == "" {
		return nil
	}
	var err error
	if p.started {
		_, err = p.box(context.Background(), 30*time.Second, "stop")
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(p.script)))
}

// Run runs a script and returns what it printed. The error carries the last lines of its standard error.
func (p *Peer) Run(ctx context.Context, c Command) ([]byte, error) {
	limit := c.Timeout
	if limit == 0 {
		limit = 2 * time.Minute
	}
	// The time limit is kept inside too: killing nsenter from outside would leave the processes in the box alone.
	argv := []string{"env"}
	argv = append(argv, c.Env...)
	argv = append(argv, "timeout", "--kill-after=5", fmt.Sprint(limit.Seconds()), "bash", "-euc", c.Script)
	switch {
	case p.script != "" && c.User:
		argv = []string{"bash", p.script, "user", p.Name, quote(argv)}
	case p.script != "":
		argv = append([]string{"bash", p.script, "run", p.Name}, argv...)
	case c.User:
		return nil, fmt.Errorf("%w: %s has no ordinary user", ErrMissing, p.Name)
	default:
		argv = append([]string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-euc", machineEnter, "machine"}, argv...)
	}
	ctx, cancel := context.WithTimeout(ctx, limit+10*time.Second)
	defer cancel()
	return output(exec.CommandContext(ctx, argv[0], argv[1:]...))
}

// machineEnter runs in a mount and a pid namespace of the machine: mounts that podman and buildah forget, their runtime
// files and processes that they leave behind end with it.
const machineEnter = `
mount -t tmpfs -o mode=755 tmpfs /run
cat > /run/containers.conf <<END
[containers]
cgroups = "disabled"
netns = "none"
default_ulimits = ["nofile=1024:1024","nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
END
unset CONTAINERS_STORAGE_CONF XDG_CONFIG_HOME XDG_RUNTIME_DIR
export CONTAINERS_CONF=/run/containers.conf BUILDAH_ISOLATION=chroot LC_ALL=C.UTF-8
exec "$@"
`

// output runs cmd and returns its standard output; the process group is killed with its context.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // a process that left the group may hold the pipe
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return stdout.Bytes(), fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, strings.Join(lines[max(0, len(lines)-5):], " | "))
	}
	return stdout.Bytes(), nil
}

// quote joins words into one shell command.
func quote(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
