package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/extract"
)

// toDir is one run of reflink-to-dir, as its flags say.
type toDir struct {
	subject
	reflink, path, whiteouts   string
	uidMap, gidMap             []string
	force, noSameOwner, lossy  bool
	keepPartial, verify, quiet bool
}

func (a *app) reflinkToDir() *cobra.Command {
	x := &toDir{subject: subject{app: a}}
	cmd := &cobra.Command{
		Use:   "reflink-to-dir IMAGE DIR | --container NAME DIR | --layer LAYER DIR",
		Short: "Extract the root filesystem of an image, sharing blocks with the store",
		Long: `Extract what an image or a container shows, the layers merged, into DIR, which must not exist, or
be an empty directory. On file systems that can share blocks (btrfs, XFS) and that the
store lies on too, content takes no space: a file gets blocks of its own when it is
written to. Elsewhere that is an error; --force-copy then copies.

Metadata are those of the layers' tar headers: owners, modes, times, attributes, links,
devices. Ordinary users may not set all of that; what is left out is counted at the end.
What root cannot have on DIR's file system is an error, or, with --lossy, counted.

DIR cannot be entered by others before all is done. After an error, or when
interrupted, what was made is removed, unless --keep-partial is given, or a second
signal does not let it.

A container's files may change while they are read. A file that does is an error that
names it: try again, or pause the container.

With --layer, a LAYER's own files alone are extracted. Its marks of what it deletes
from the layers below are left out, or, with --whiteouts files, written as the .wh.
files that tars have, or, with --whiteouts overlay, as the overlay file system has them.`,
		Example: `  cstor reflink-to-dir alpine rootfs
  cstor reflink-to-dir --force-copy alpine /mnt/usb/rootfs
  cstor reflink-to-dir --path usr/share/zoneinfo fedora zoneinfo
  cstor reflink-to-dir --uidmap 0:100000:65536 alpine rootfs`,
		RunE: x.run,
		ValidArgsFunction: func(cmd *cobra.Command, have []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if !x.named() && len(have) == 0 {
				return a.completeImage()(cmd, have, typed)
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	x.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&x.reflink, "reflink", "always", "`WHEN` blocks are shared: \"always\", \"auto\", where that can be done, or \"never\"")
	f.BoolVar(&x.force, "force-copy", false, "copy where blocks cannot be shared: --reflink=auto")
	f.StringVar(&x.path, "path", "", "extract the directory `PATH` of the image alone")
	f.BoolVar(&x.noSameOwner, "no-same-owner", false, "leave all files to yourself")
	f.StringArrayVar(&x.uidMap, "uidmap", nil, "give users of the image other ids: `CONTAINER:HOST[:SIZE]`; for groups too, unless --gidmap is given")
	f.StringArrayVar(&x.gidMap, "gidmap", nil, "give groups of the image other ids: `CONTAINER:HOST[:SIZE]`; for users too, unless --uidmap is given")
	f.StringVar(&x.whiteouts, "whiteouts", "", "keep a LAYER's marks of deletion, in the `FORM` \"files\" or \"overlay\"")
	f.BoolVar(&x.lossy, "lossy", false, "leave out what DIR's file system cannot hold, and count it")
	f.BoolVar(&x.keepPartial, "keep-partial", false, "leave what there is after an error")
	f.BoolVar(&x.verify, "verify", false, "check content by the layers' diff ids, and copies against it")
	f.BoolVarP(&x.quiet, "quiet", "q", false, "show no progress and no summary")
	_ = cmd.RegisterFlagCompletionFunc("path", x.completeIn)
	for _, name := range []string{"uidmap", "gidmap"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	_ = cmd.RegisterFlagCompletionFunc("reflink", cobra.FixedCompletions([]string{"always", "auto", "never"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("whiteouts", cobra.FixedCompletions([]string{"files", "overlay"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (x *toDir) run(cmd *cobra.Command, got []string) error {
	dir, opts, err := x.options(cmd, got)
	if err != nil {
		return err
	}
	began := time.Now()
	s, layers, err := x.open(cmd, got, true)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := outside(s, filepath.Dir(filepath.Clean(dir))); err != nil {
		return err
	}
	// What is kept is many times as much as in other commands: see main.
	debug.SetGCPercent(100)
	procs := runtime.GOMAXPROCS(0)
	opts.Parallel = max(2, min(procs, 8))
	runtime.GOMAXPROCS(max(procs, opts.Parallel+1)) // see extract.Options
	defer x.progress.stop()
	if !x.quiet {
		x.progress.start(x.stderr)
	}
	t := x.watch(&opts)
	defer x.unhurried()()
	report, err := extract.Dir(cmd.Context(), layers, dir, opts)
	if errors.Is(err, extract.ErrNoReflink) {
		err = hint(err, "--force-copy copies where that cannot be done")
	}
	if err != nil {
		return err
	}
	t.done()
	x.progress.stop()
	x.warnUnverified(report.Unverified)
	for _, line := range lossLines(report.Lost) {
		x.warn(errors.New(line))
	}
	if !x.quiet {
		x.progress.print(x.stderr, fmt.Sprintf("%s: %s, %s shared, %s copied, %.1f s\n",
			printable(dir), count(int(report.Files), "file"), size(report.Shared), size(report.Copied), time.Since(began).Seconds()))
	}
	return nil
}

// watch gives an extraction a line on the terminal, if there is one.
func (x *toDir) watch(opts *extract.Options) *task {
	if !x.progress.drawing() {
		return &task{}
	}
	var files, shared atomic.Int64
	t := &task{name: "files"}
	opts.Begin = func(all extract.Total) {
		t.total = all.Bytes
		t.detail = func() string {
			return fmt.Sprintf("%d of %s, %s shared", files.Load(), count(int(all.Files), "file"), size(shared.Load()))
		}
		x.progress.begin(t)
	}
	opts.Progress = func(p extract.Progress) {
		files.Add(p.Files)
		shared.Add(p.Shared)
		t.add(p.Shared + p.Copied)
	}
	return t
}

// options are those that the flags say, and DIR.
func (x *toDir) options(cmd *cobra.Command, got []string) (dir string, opts extract.Options, err error) {
	rest, _, err := x.check(cmd, got)
	opts = extract.Options{
		Reflink: extract.Reflink(x.reflink), Path: x.path, Whiteouts: extract.Whiteouts(x.whiteouts),
		NoSameOwner: x.noSameOwner, Lossy: x.lossy, KeepPartial: x.keepPartial, Verify: x.verify,
	}
	switch {
	case err != nil:
		return "", opts, err
	case len(rest) != 1:
		return "", opts, usagef("reflink-to-dir takes %s; and a DIR", x.choices(cmd))
	case rest[0] == "":
		return "", opts, usagef("DIR is empty")
	case x.reflink != "always" && x.reflink != "auto" && x.reflink != "never":
		return "", opts, usagef("--reflink %q: \"always\", \"auto\" or \"never\" was expected", x.reflink)
	case x.force && x.reflink != "auto" && cmd.Flags().Changed("reflink"):
		return "", opts, usagef("--force-copy means --reflink=auto: choose one")
	case x.whiteouts != "" && x.whiteouts != "files" && x.whiteouts != "overlay":
		return "", opts, usagef("--whiteouts %q: \"files\" or \"overlay\" was expected", x.whiteouts)
	case x.whiteouts != "" && !x.alone():
		return "", opts, usagef("--whiteouts goes with --layer: an image shows none")
	case x.whiteouts != "" && x.path != "":
		return "", opts, usagef("--whiteouts goes with all of a LAYER: --path takes a part")
	case x.noSameOwner && len(x.uidMap)+len(x.gidMap) > 0:
		return "", opts, usagef("--no-same-owner takes no ids of the image, so there is nothing to map")
	}
	if x.force {
		opts.Reflink = extract.ReflinkAuto
	}
	if opts.UIDMap, err = parseMap("uidmap", x.uidMap); err != nil {
		return "", opts, err
	}
	if opts.GIDMap, err = parseMap("gidmap", x.gidMap); err != nil {
		return "", opts, err
	}
	switch { // as podman has it
	case len(opts.GIDMap) == 0:
		opts.GIDMap = opts.UIDMap
	case len(opts.UIDMap) == 0:
		opts.UIDMap = opts.GIDMap
	}
	return rest[0], opts, nil
}

// parseMap reads ranges CONTAINER:HOST[:SIZE], of which a flag may have several, also
// with commas. SIZE is 1 if it is left out, as for podman.
func parseMap(flag string, values []string) ([]cstor.IDMap, error) {
	var all []cstor.IDMap
	for _, value := range values {
		for text := range strings.SplitSeq(value, ",") {
			parts := strings.Split(text, ":")
			n := [3]int{2: 1}
			if len(parts) != 2 && len(parts) != 3 {
				return nil, usagef("--%s %q: CONTAINER:HOST[:SIZE] was expected", flag, text)
			}
			for i, part := range parts {
				id, err := strconv.ParseUint(part, 10, 31)
				if err != nil || i == 2 && id == 0 {
					return nil, usagef("--%s %q: CONTAINER:HOST[:SIZE] was expected", flag, text)
				}
				n[i] = int(id)
			}
			all = append(all, cstor.IDMap{ContainerID: n[0], HostID: n[1], Size: n[2]})
		}
	}
	return all, nil
}

// lossLines say what was left out.
func lossLines(lost extract.Lost) []string {
	var lines []string
	add := func(l extract.Loss, text string) {
		switch {
		case l.Count == 0:
		case l.Err == nil:
			lines = append(lines, fmt.Sprintf("%s (first %q)", text, l.First))
		default:
			lines = append(lines, fmt.Sprintf("%s (first %q: %v)", text, l.First, l.Err))
		}
	}
	add(lost.Owners, count(int(lost.Owners.Count), "owner")+" could not be set")
	add(lost.SetIDs, "set-id bits of "+count(int(lost.SetIDs.Count), "file")+" were left out: they would have meant another owner")
	add(lost.Xattrs, count(int(lost.Xattrs.Count), "attribute")+" could not be set")
	add(lost.Devices, count(int(lost.Devices.Count), "device")+" could not be made")
	add(lost.Times, "times of "+count(int(lost.Times.Count), "file")+" could not be set")
	return lines
}
