package conformance

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/fixture"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestRootless runs the cstor binary as an ordinary user on a store of his own, where it starts itself anew in his user
// namespace: in each way there is to get there, with the programs in $PATH that the way needs and no others. All files of
// the layers are given to a subordinate id before, and closed to everybody: only root of the user namespace can read them.
// (The tars do not change by it: owners and modes come from the record of each tar.)
func TestRootless(t *testing.T) {
	box, err := lab.Peer("trixie")
	if errors.Is(err, peers.ErrMissing) && !peers.Required("trixie") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, inside := closedCopy(t, box, named(t, "trixie-user"))
	layers := exactLayers(t, s)
	ways := []struct {
		name, programs string // in $PATH
		pause          bool   // podman holds the namespace
	}{
		{name: "newuidmap", programs: "newuidmap newgidmap nsenter"},
		{name: "without nsenter", programs: "newuidmap newgidmap"},
		{name: "pause process", programs: "nsenter", pause: true},
		{name: "podman", programs: "podman", pause: true},
		{name: "everything", programs: "newuidmap newgidmap nsenter podman buildah"},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			var script strings.Builder
			script.WriteString(programs(way.programs))
			if way.pause {
				script.WriteString("podman unshare true\n")
			}
			script.WriteString("cstor list-images --quiet --no-trunc > images\n")
			for id := range layers {
				fmt.Fprintf(&script, "cstor export-layer %s -o %[1]s.tar\necho %[1]s sha256:$(sha256sum < %[1]s.tar | cut -d' ' -f1)\nrm %[1]s.tar\n", id)
			}
			script.WriteString("cat $OUT/errors\n[ ! -s $OUT/errors ]\n")
			out, err := asUser(t, box, inside, script.String())
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for id, diffID := range layers {
				if !strings.Contains(out, id+" "+diffID+"\n") {
					t.Errorf("layer %s: want %s in\n%s", id, diffID, out)
				}
			}
			images, err := os.ReadFile(filepath.Join(s.Base, "out", "images"))
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.Fields(string(images))) < 5 {
				t.Errorf("few images are listed: %q", images)
			}
		})
	}
	id := slices.Sorted(maps.Keys(layers))[0]
	t.Run("signals", func(t *testing.T) { rootlessSignals(t, box, inside, id) })
	t.Run("root's store beside", func(t *testing.T) { rootlessBeside(t, box, inside) })
	for _, c := range []struct{ name, script, says string }{
		{"no programs", programs(""), "newuidmap"},
		{"one of two", programs("newuidmap nsenter"), "newgidmap"},
		{"no set-user-ID bit", programs("nsenter") + "cp /usr/bin/newuidmap /usr/bin/newgidmap $OUT/bin\n", "set-user-ID"},
		{"not wanted", programs("newuidmap newgidmap nsenter") + "cstor() { PATH=$OUT/bin $CSTOR --no-unshare \"$@\"; }\n", "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := asUser(t, box, inside, c.script+fmt.Sprintf("cstor export-layer %s > tar && status=0 || status=$?\necho status $status\ncat $OUT/errors\n", id))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if first, rest, _ := strings.Cut(out, "\n"); first != "status 1" || strings.Count(rest, "\n") != 1 || !strings.HasPrefix(rest, "cstor: ") || !strings.Contains(rest, c.says) {
				t.Errorf("%q: want one line that says %q", out, c.says)
			}
		})
	}
}

// programs defines cstor as a command that has these programs in $PATH.
func programs(names string) string {
	return "rm -rf $OUT/bin; mkdir $OUT/bin\nfor p in " + names + "; do ln -s \"$(command -v $p)\" $OUT/bin; done\n" +
		"cstor() { PATH=$OUT/bin $CSTOR \"$@\"; }\n"
}

// rootlessBeside reads layers of a store of root that the user's own, which is empty, has as an additional one.
func rootlessBeside(t *testing.T, box *peers.Peer, inside string) {
	s := named(t, "trixie-root")
	dir := s.Base + "-beside"
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	beside, err := s.Copy(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "chmod", "-R", "a+rX", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := beside.At("/" + strings.TrimPrefix(strings.TrimPrefix(dir, box.Root), "/"))
	var script strings.Builder
	script.WriteString(programs("newuidmap newgidmap nsenter") + fmt.Sprintf(`
		mkdir -p own/overlay own/overlay-images own/overlay-layers
		printf '[storage]\ndriver = "overlay"\nrunroot = "%%s"\ngraphroot = "%%s"\nrootless_storage_path = "%%s"\n' $OUT/own-run $OUT/own $OUT/own > own.conf
		printf '[storage.options]\nadditionalimagestores = ["%s"]\n' >> own.conf
		export CONTAINERS_STORAGE_CONF=$OUT/own.conf
	`, at.GraphRoot))
	layers := exactLayers(t, beside)
	for id := range layers {
		fmt.Fprintf(&script, "echo %s sha256:$(cstor export-layer %[1]s | sha256sum | cut -d' ' -f1)\n", id)
	}
	out, err := asUser(t, box, inside, script.String()+"cat $OUT/errors\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for id, diffID := range layers {
		if !strings.Contains(out, id+" "+diffID+"\n") {
			t.Errorf("layer %s: want %s in\n%s", id, diffID, out)
		}
	}
}

// rootlessSignals ends a command that waits, in each way that its process may be there. It counts the processes that are
// left, whose program is cstor or which wait to become that.
func rootlessSignals(t *testing.T, box *peers.Peer, inside, layer string) {
	const script = `
		set -m # a process group each, in which no signal is switched off
		left() { ls -l /proc/[0-9]*/exe 2> /dev/null | grep -c " -> $CSTOR\$" || :; }
		mkfifo fifo
		for s in INT TERM HUP KILL; do
			cstor export-layer LAYER -o fifo &
			pid=$!
			for i in $(seq 500); do
				# It waits for a reader, inside.
				for p in $(cat /proc/$pid/task/*/children) $pid; do
					[ "$(readlink /proc/$p/exe)" != $CSTOR ] || [ "$(wc -l < /proc/$p/uid_map)" != 2 ] || break 2
				done
				sleep 0.01
			done
			sleep 0.1
			kill -$s $pid
			wait $pid && status=0 || status=$?
			for i in $(seq 500); do [ $(left) != 0 ] || break; sleep 0.01; done
			echo $s $status $(left)
		done
		rm fifo`
	for way, names := range map[string]string{"nsenter": "newuidmap newgidmap nsenter", "child": "newuidmap newgidmap"} {
		t.Run(way, func(t *testing.T) {
			define := strings.Replace(programs(names), "$CSTOR", "exec $CSTOR", 1) // the job is cstor, and no shell
			out, err := asUser(t, box, inside, define+strings.ReplaceAll(script, "LAYER", layer))
			if want := "INT 130 0\nTERM 143 0\nHUP 129 0\nKILL 137 0\n"; err != nil || out != want {
				t.Errorf("%v: %q, want %q", err, out, want)
			}
		})
	}
}

// asUser runs a script as u1 in the box and returns what it prints; what cstor says on standard error goes to $OUT/errors.
// The process by which podman keeps the user namespace ends with it.
func asUser(t *testing.T, box *peers.Peer, inside, script string) (string, error) {
	t.Helper()
	out, err := box.Run(t.Context(), peers.Command{
		User: true,
		Env: []string{
			"CSTOR=" + inside + "/cstor", "OUT=" + inside + "/out", "HOME=" + inside + "/out/home",
			"XDG_RUNTIME_DIR=" + inside + "/run", "CONTAINERS_STORAGE_CONF=" + inside + "/out/storage.conf",
		},
		Script: "set -o pipefail\npause=$XDG_RUNTIME_DIR/libpod/tmp/pause.pid\n" +
			"trap 'kill $(cat $pause) 2> /dev/null || :; rm -f $pause' EXIT\ncd $OUT\n" +
			"exec 2> $OUT/errors\n" + script,
	})
	if err != nil {
		said, _ := os.ReadFile(filepath.Join(box.Root, inside, "out", "errors"))
		err = fmt.Errorf("%w: %s", err, said)
	}
	return string(out), err
}

// closedCopy copies a store within its box, with the cstor binary, and gives the files of its layers to a subordinate id of
// u1, with mode 0. It returns the copy, and its folder as the box sees it.
func closedCopy(t *testing.T, box *peers.Peer, s *corpus.Store) (copied *corpus.Store, inside string) {
	t.Helper()
	dir := s.Base + "-rootless"
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	copied, err := s.Copy(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	inside = "/" + strings.TrimPrefix(strings.TrimPrefix(dir, box.Root), "/")
	binary, err := os.ReadFile(cstorBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cstor"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	conf := s.At(inside).Configuration()
	if err := os.WriteFile(filepath.Join(dir, "out", "storage.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = box.Run(t.Context(), peers.Command{Script: `
		id=$(sed -n 's/^u1:\([0-9]*\):.*/\1/p' /etc/subuid)
		# Podman keeps where its store lies, and by which process its user namespace: it would refuse others.
		rm -rf ` + inside + `/root/libpod ` + inside + `/root/db.sql ` + inside + `/run/libpod ` + inside + `/run/tmp
		cd ` + inside + `/root; dirs=overlay/*/diff; [ ! -e vfs/dir ] || dirs=vfs/dir
		find $dirs -type f -exec chown $id:$id {} + -exec chmod 0 {} +`})
	if err != nil {
		t.Fatal(err)
	}
	return copied, inside
}

// exactLayers returns the diff ids of the layers of an image whose tars can be had exactly, by layer id. It takes the image
// with the most layers.
func exactLayers(t *testing.T, s *corpus.Store) map[string]string {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	best := map[string]string{}
	for i, err := range st.Images() {
		if err != nil {
			t.Fatal(err)
		}
		layers, err := i.Layers()
		if err != nil && !errors.Is(err, cstor.ErrIsList) {
			t.Fatal(err)
		}
		ids := map[string]string{}
		for _, l := range layers {
			if known, _ := fixture.ByDiffID(l.DiffID().String()); l.DiffID() != "" && known.Fate == fixture.Exact {
				ids[l.ID()] = l.DiffID().String()
			}
		}
		if len(ids) == len(layers) && len(ids) > len(best) {
			best = ids
		}
	}
	if len(best) < 2 {
		t.Fatal("no image has several layers")
	}
	return best
}
