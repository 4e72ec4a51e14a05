package conformance

import (
	"testing"
	"time"

	"github.com/cstor-go/cstor/libpoddb"
)

// podRow is of `podman pod ps --format json`.
type podRow struct {
	ID         string `json:"Id"`
	Name       string
	Status     string
	Created    time.Time
	InfraID    string `json:"InfraId"`
	Containers []struct {
		ID     string `json:"Id"`
		Names  string
		Status string
	}
	Labels map[string]string
}

func comparePods(t *testing.T, db *libpoddb.Database, rows []podRow) {
	if len(rows) < 2 || len(rows) != len(db.Pods()) {
		t.Errorf("%d pods, podman has %d", len(db.Pods()), len(rows))
	}
	for _, want := range rows {
		p := db.Pod(want.ID)
		if p == nil {
			t.Errorf("pod %s is missing", want.Name)
			continue
		}
		var theirs, mine []string
		for _, c := range want.Containers {
			theirs = append(theirs, c.ID+" "+c.Names+" "+c.Status)
		}
		for _, c := range p.Containers {
			mine = append(mine, c.ID+" "+c.Name+" "+c.State.String())
		}
		same(t, none(sorted(theirs)), none(sorted(mine)))
		want.Containers = nil
		got := podRow{ID: p.ID, Name: p.Name, Status: p.Status(), Created: p.Created, InfraID: p.InfraID, Labels: p.Labels}
		if len(want.Labels)+len(got.Labels) == 0 {
			want.Labels, got.Labels = nil, nil
		}
		same(t, want, got)
	}
}

// volumeRow is of `podman volume ls --format json`.
type volumeRow struct {
	Name, Driver, Mountpoint string
	CreatedAt                time.Time
	Labels, Options          map[string]string
	Anonymous                bool
}

func compareVolumes(t *testing.T, db *libpoddb.Database, rows []volumeRow) {
	if len(rows) < 3 || len(rows) != len(db.Volumes()) {
		t.Errorf("%d volumes, podman has %d", len(db.Volumes()), len(rows))
	}
	for _, want := range rows {
		v := db.Volume(want.Name)
		if v == nil {
			t.Errorf("volume %s is missing", want.Name)
			continue
		}
		got := volumeRow{Name: v.Name, Driver: v.Driver, Mountpoint: v.Mountpoint, CreatedAt: v.Created, Labels: v.Labels, Options: v.Options, Anonymous: v.Anonymous}
		for _, one := range []*volumeRow{&want, &got} {
			if len(one.Labels) == 0 {
				one.Labels = nil
			}
			if len(one.Options) == 0 {
				one.Options = nil
			}
		}
		same(t, want, got)
	}
	users := []string{}
	if data := db.Volume("data"); data != nil {
		for _, c := range data.Containers {
			users = append(users, c.Name)
		}
	}
	same(t, []string{"made", "runs"}, users)
}
