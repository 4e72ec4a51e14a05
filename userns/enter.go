package userns

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// Needed reports whether root, the directory of a store, belongs to the calling
// user, who is not root, and the program has not been started anew for that already.
func Needed(root string) bool {
	if os.Geteuid() == 0 || entered.Load() {
		return false
	}
	info, err := os.Stat(root)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// Enter starts the running program anew, with the same arguments, environment,
// working directory, standard streams, and descriptors that are not closed on
// execution, inside the calling user's namespace. os.Args[0] may be the path of the
// program's file there, and a few variables are set that say who the user is outside.
// It does so once: there, [Needed] is false. It takes the first way there is:
//
//  1. into the namespace that podman keeps for the user, if it does, by nsenter;
//  2. into a new one, with the ids that /etc/subuid and /etc/subgid give the user,
//     by newuidmap and newgidmap, or with his own id alone if they give him none;
//  3. through "podman unshare";
//  4. through "buildah unshare".
//
// Where subordinate ids come from a directory service, which these lists do not show
// and podman asks, 2 is the last.
//
// It returns only if there is no way, with an [*EnterError], as it does without [Init],
// or if ctx ended, with its cause. Whoever calls it holds nothing that matters: the
// process is replaced, or, without nsenter, it waits for a child, passes signals on to
// it, and ends as the child did. Handlers of signals are gone once there is a child,
// also if Enter returns. SIGINT and SIGQUIT are not passed on while the program is in
// the foreground of a terminal, whose keys send them to the child as well.
func Enter(ctx context.Context) error {
	if !initialized.Load() {
		return &EnterError{[]error{errNoInit}}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ways := []func(context.Context) error{joinPause, enterNew, through}
	if subidsElsewhere("/etc/nsswitch.conf") {
		ways = append(slices.Delete(ways, 1, 2), enterNew)
	}
	failed := &EnterError{}
	for _, way := range ways {
		err := way(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil { // there was nothing to try
			continue
		}
		failed.Ways = append(failed.Ways, err)
		if !passable(err) {
			break
		}
	}
	return failed
}

// enterNew enters a new namespace.
func enterNew(ctx context.Context) error {
	maps, err := callerMaps()
	if err != nil {
		return err
	}
	if err := restricted(apparmorRestricts, apparmorProfile); err != nil {
		return err
	}
	if _, err := exec.LookPath("nsenter"); err == nil {
		ns, err := newNamespace(ctx, maps)
		if err != nil {
			return err
		}
		defer ns.Close()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = join(ns)
		if !errors.Is(err, errReplaced) {
			return err
		}
	}
	return tend(ctx, maps)
}

// passable reports whether another way may be open where err was met on one: podman's
// package may bring an AppArmor profile along, and podman knows the namespaces of
// running containers. If newuidmap refuses to work, it does so for everybody.
func passable(err error) bool {
	refused := (*RefusedError)(nil)
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, errReplaced) || errors.As(err, &refused) && refused.Err == nil
}

// EnterError means that there was no way into the user's namespace.
type EnterError struct {
	// Ways has, for each way that was tried, why it is none; without [Init], one error
	// that says so. The errors match exec.ErrNotFound if a program is missing, and
	// [*RefusedError] if the system forbids it.
	Ways []error
}

func (e *EnterError) Error() string {
	var ways []string
	for _, err := range e.Ways {
		ways = append(ways, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return "enter the user namespace of this store: " + strings.Join(ways, "; ")
}

// Unwrap returns Ways.
func (e *EnterError) Unwrap() []error { return e.Ways }
