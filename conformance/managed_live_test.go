package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cstor-go/cstor/libpoddb"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// churn makes and removes containers and volumes with podman, and reads the database all the while: it can always be read,
// and a container's volumes are always there.
func churn(t *testing.T, c corpus.Corpus, s *corpus.Store) {
	box, err := lab.Peer(c.Peer)
	if err != nil {
		t.Fatal(err)
	}
	inside := "/" + strings.TrimPrefix(strings.TrimPrefix(s.Base, box.Root), "/")
	done := make(chan error, 1)
	go func() {
		_, err := box.Run(t.Context(), peers.Command{
			User: c.User,
			Env: []string{
				"CONTAINERS_STORAGE_CONF=" + inside + "/out/storage.conf", "HOME=" + inside + "/out/home", "XDG_RUNTIME_DIR=" + inside + "/run", "TMPDIR=" + inside + "/out/tmp",
			},
			Script: `
				P() { podman --tmpdir ` + inside + `/run/tmp "$@"; }
				end=$(($(date +%s) + 6))
				for n in $(seq 1000); do
					P volume create churned > /dev/null
					P create --name churning -v churned:/data localhost/managed:1 /bin/busybox true > /dev/null
					P rm churning > /dev/null
					P volume rm churned > /dev/null
					[ $(date +%s) -lt $end ] || break
				done
				kill $(cat ` + inside + `/run/libpod/tmp/pause.pid ` + inside + `/run/tmp/pause.pid 2> /dev/null) 2> /dev/null || :`,
		})
		done <- err
	}()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	reads, changes, before := 0, 0, ""
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d reads, %d changes seen", reads, changes)
			if reads < 10 || changes < 2 {
				t.Errorf("%d reads, %d changes seen", reads, changes)
			}
			return
		default:
		}
		all, err := libpoddb.Read(t.Context(), st, libpoddb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		reads++
		var state strings.Builder
		for _, c := range all[0].Containers() {
			state.WriteString(c.Name + " ")
			for _, m := range c.Mounts {
				if m.Type != "volume" {
					continue
				}
				if v := all[0].Volume(m.Name); v == nil || !slices.Contains(v.Containers, c) {
					t.Errorf("volume %s of container %s is not there", m.Name, c.Name)
				}
			}
		}
		if state.String() != before {
			changes++
			before = state.String()
		}
		time.Sleep(2 * time.Millisecond)
	}
}
