package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/libpoddb"

	"github.com/cstor-go/cstor/conformance/answer"
	"github.com/cstor-go/cstor/conformance/corpus"
	"github.com/cstor-go/cstor/conformance/peers"
)

// TestManaged compares what podman's database says by cstor with what podman said of the same store; then podman changes
// the store without pause, while cstor reads on.
func TestManaged(t *testing.T) {
	for _, c := range corpus.Managed {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := built(t, c)
			rows, details := said[[]psRow](t, s, "ps"), said[[]inspected](t, s, "inspect")
			pods, volumes := said[[]podRow](t, s, "pods"), said[[]volumeRow](t, s, "volumes")
			refused, err := s.Refused()
			if err != nil || (refused != "" && c.Peer != peers.Machine) {
				t.Errorf("%v; refused: %s", err, refused)
			}
			before := fingerprint(t, s)
			db := databaseOf(t, s)
			if db == nil {
				if c.Peer != peers.Machine {
					t.Fatal("there is no database")
				}
				// A BoltDB: what the store's lists know must do.
				compareStored(t, s, rows)
			} else {
				compareContainers(t, db, rows)
				compareInspected(t, db, details)
				comparePods(t, db, pods)
				compareVolumes(t, db, volumes)
			}
			compareListed(t, s, rows, db != nil)
			if diff := cmp.Diff(before, fingerprint(t, s)); diff != "" {
				t.Errorf("asking cstor changed the store (-before +after):\n%s", diff)
			}
			if db != nil {
				t.Run("churn", func(t *testing.T) { churn(t, c, s) })
			}
		})
	}
}

// TestTransientDatabase: a transient store has its database in the run root.
func TestTransientDatabase(t *testing.T) {
	s := named(t, "trixie-root-transient")
	db := databaseOf(t, s)
	if db == nil || db.File != filepath.Join(s.RunRoot, "db.sql") {
		t.Fatalf("the database is %+v", db)
	}
	if len(db.Containers()) < 2 {
		t.Errorf("%d containers", len(db.Containers()))
	}
}

// databaseOf reads the database of a store; nil if it is a BoltDB.
func databaseOf(t *testing.T, s *corpus.Store) *libpoddb.Database {
	t.Helper()
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	all, err := libpoddb.Read(t.Context(), st, libpoddb.Options{})
	if errors.Is(err, libpoddb.ErrBolt) && len(all) == 0 {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || len(all[0].Problems) > 0 {
		t.Fatalf("%d databases, %v", len(all), all[0].Problems)
	}
	return all[0]
}

func said[T any](t *testing.T, s *corpus.Store, about string) (v T) {
	t.Helper()
	raw, err := s.Said(about)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatalf("podman's %s: %v", about, err)
	}
	return v
}

// psRow is of `podman ps --format json`.
type psRow struct {
	ID                  string `json:"Id"`
	Names               []string
	State               string
	Exited              bool
	ExitCode            int
	Pid                 int
	Image, ImageID      string
	Command             []string
	Created             json.Number
	StartedAt, ExitedAt int64
	Labels              map[string]string
	Mounts              []string
	Pod, PodName        string
	Ports               []psPort
	ExposedPorts        map[string][]string
	Networks            []string
	IsInfra, AutoRemove bool
	Restarts            int
}

type psPort struct {
	HostIP        string `json:"host_ip"`
	ContainerPort int    `json:"container_port"`
	HostPort      int    `json:"host_port"`
	Range         int    `json:"range"`
	Protocol      string `json:"protocol"`
}

// compareContainers leaves out those that podman does not manage: they have the state "storage".
func compareContainers(t *testing.T, db *libpoddb.Database, rows []psRow) {
	seen := 0
	states := map[string]int{}
	for _, row := range rows {
		states[row.State]++
		if row.State == "storage" || row.State == "unknown" {
			if db.Container(row.ID) != nil {
				t.Errorf("%v is in the database", row.Names)
			}
			continue
		}
		seen++
		c := db.Container(row.ID)
		if c == nil {
			t.Errorf("%v is missing", row.Names)
			continue
		}
		got := psRow{
			ID: c.ID, Names: []string{c.Name}, State: c.State.String(), Exited: c.Exited, ExitCode: c.ExitCode, Pid: c.PID, Image: c.ImageName, ImageID: c.ImageID,
			Command: c.Command, Created: json.Number(fmt.Sprint(c.Created.Unix())), StartedAt: c.Started.Unix(), ExitedAt: c.Finished.Unix(), Labels: c.Labels,
			Pod: c.PodID, PodName: c.PodName, Networks: c.Networks, IsInfra: c.Infra, AutoRemove: c.AutoRemove, Restarts: c.Restarts,
		}
		for _, p := range c.Ports {
			got.Ports = append(got.Ports, psPort{p.HostIP, p.ContainerPort, p.HostPort, p.Count, p.Protocol})
		}
		var exposed []string
		for port, protocols := range row.ExposedPorts {
			for _, protocol := range protocols {
				exposed = append(exposed, port+"/"+protocol)
			}
		}
		for n := range row.Ports {
			row.Ports[n].Range = max(row.Ports[n].Range, 1)
		}
		same(t, none(sorted(exposed)), none(c.Exposed))
		var mounts []string // a tmpfs is no mount of these
		for _, m := range c.Mounts {
			mounts = append(mounts, m.Destination)
		}
		same(t, none(sorted(slices.DeleteFunc(slices.Clone(row.Mounts), func(m string) bool { return m == "/scratch" }))), none(sorted(mounts)))
		slices.Sort(row.Networks)
		row.Mounts, row.ExposedPorts = nil, nil
		row.Names = row.Names[:1]
		same(t, tidy(row), tidy(got))
	}
	if got := len(db.Containers()); got != seen {
		t.Errorf("%d containers, podman has %d", got, seen)
	}
	if states["running"] < 1 || states["exited"] < 2 || states["created"] < 4 || states["storage"] < 1 {
		t.Errorf("podman's states are %v", states)
	}
}

// tidy makes empty lists nil.
func tidy(r psRow) psRow {
	for _, list := range []*[]string{&r.Names, &r.Command, &r.Networks} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(r.Labels) == 0 {
		r.Labels = nil
	}
	if len(r.Ports) == 0 {
		r.Ports = nil
	}
	return r
}

func none(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// inspected is of `podman inspect`.
type inspected struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	Path    string
	Args    []string
	State   struct {
		Status                string
		ExitCode, Pid         int
		StartedAt, FinishedAt time.Time
	}
	Image, ImageName string
	Rootfs           string
	Pod              string
	RestartCount     int
	OCIRuntime       string
	Mounts           []struct{ Type, Name, Source, Destination, SubPath string }
	Config           struct {
		User, WorkingDir string
		Env              []string
		CreateCommand    []string
	}
	HostConfig struct {
		RestartPolicy struct{ Name string }
		AutoRemove    bool
	}
}

func compareInspected(t *testing.T, db *libpoddb.Database, all []inspected) {
	if len(all) != len(db.Containers()) {
		t.Errorf("%d were inspected, of %d", len(all), len(db.Containers()))
	}
	for _, want := range all {
		c := db.Container(want.ID)
		if c == nil {
			t.Errorf("%s is missing", want.Name)
			continue
		}
		got := inspected{
			ID: c.ID, Name: c.Name, Created: c.Created, Image: c.ImageID, ImageName: c.ImageName, Rootfs: c.Rootfs, Pod: c.PodID, RestartCount: c.Restarts, OCIRuntime: c.Runtime,
		}
		if len(c.Args) > 0 {
			got.Path, got.Args = c.Args[0], c.Args[1:]
		}
		got.State.Status, got.State.ExitCode, got.State.Pid, got.State.StartedAt, got.State.FinishedAt = c.State.String(), c.ExitCode, c.PID, c.Started, c.Finished
		got.Config.User, got.Config.WorkingDir, got.Config.Env, got.Config.CreateCommand = c.User, c.Dir, c.Env, c.CreateCommand
		got.HostConfig.RestartPolicy.Name, got.HostConfig.AutoRemove = c.Restart, c.AutoRemove
		for _, m := range c.Mounts {
			source := m.Source
			if v := db.Volume(m.Name); v != nil {
				source = v.Mountpoint
			}
			got.Mounts = append(got.Mounts, struct{ Type, Name, Source, Destination, SubPath string }{m.Type, m.Name, source, m.Destination, m.SubPath})
		}
		for _, one := range []*inspected{&want, &got} {
			slices.SortFunc(one.Mounts, func(a, b struct{ Type, Name, Source, Destination, SubPath string }) int {
				return strings.Compare(a.Destination, b.Destination)
			})
			// Of a container that was started, podman shows what it gave the runtime then.
			one.Config.Env = slices.DeleteFunc(one.Config.Env, func(v string) bool { return strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "HOSTNAME=") })
			one.Args, one.Config.Env, one.Config.CreateCommand = none(one.Args), none(sorted(one.Config.Env)), none(one.Config.CreateCommand)
			if one.HostConfig.RestartPolicy.Name == "" {
				one.HostConfig.RestartPolicy.Name = "no"
			}
			if len(one.Mounts) == 0 {
				one.Mounts = nil
			}
		}
		same(t, want, got)
	}
}

// compareStored holds the names and images of the store's lists against podman's.
func compareStored(t *testing.T, s *corpus.Store, rows []psRow) {
	st, err := answer.OpenCstor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, row := range rows {
		c, err := st.Container(row.Names[0])
		if err != nil {
			t.Error(err)
			continue
		}
		if c.ID() != row.ID || c.ImageID() != row.ImageID {
			t.Errorf("%s is %s of image %s, by podman %s of %s", row.Names[0], c.ID(), c.ImageID(), row.ID, row.ImageID)
		}
	}
}

// compareListed holds what the command lists against podman's: ids, names, images and, with a database, states.
func compareListed(t *testing.T, s *corpus.Store, rows []psRow, states bool) {
	cmd := exec.CommandContext(t.Context(), cstorBinary(t), "--root", s.GraphRoot, "list-containers", "--format", "json")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || (errs.Len() > 0) == states {
		t.Fatalf("%v: %s", err, errs.String())
	}
	var mine []struct {
		ID, Image, State string
		Names            []string
	}
	if err := json.Unmarshal(out, &mine); err != nil {
		t.Fatal(err)
	}
	var theirs, listed []string
	for _, row := range rows {
		if !states {
			row.State = ""
		}
		theirs = append(theirs, strings.Join([]string{row.ID, row.Names[0], row.Image, row.State}, " "))
	}
	for _, c := range mine {
		listed = append(listed, strings.Join([]string{c.ID, c.Names[0], c.Image, c.State}, " "))
	}
	same(t, sorted(theirs), sorted(listed))
}
