package libpoddb

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/internal/storetest"
	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

// ids are long enough to be ids.
const (
	webID   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	jobID   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	infraID = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	podID   = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	imageID = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
)

// sample has one of each.
var sample = poddb.DB{
	Containers: []poddb.Row{{
		ID: webID, Name: "web", Pod: podID, Volumes: []string{"data"},
		Config: []byte(`{"id":"` + webID + `","name":"web","pod":"` + podID + `","createdTime":"2026-03-01T10:00:00.5Z",
			"rootfsImageID":"` + imageID + `","rootfsImageName":"docker.io/library/web:1","command":["httpd","-f"],"netNsCtr":"` + infraID + `",
			"labels":{"tier":"front"},"userVolumes":["/data","/etc/web","/scratch"],"restart_policy":"always","runtime":"crun","user":"33",
			"CreateCommand":["podman","run","web"],"Dependencies":["` + infraID + `"],
			"namedVolumes":[{"volumeName":"data","dest":"/data","options":["rw","nosuid"]}],
			"spec":{"hostname":"web","annotations":{"io.podman.annotations.autoremove":"TRUE"},
				"process":{"args":["/bin/httpd","-f"],"env":["A=b"],"cwd":"/srv"},
				"mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/etc/web","type":"bind","source":"/srv/web","options":["ro","rbind"]},
					{"destination":"/scratch","type":"tmpfs","source":"tmpfs"}]}}`),
		State: []byte(`{"state":3,"pid":4711,"startedTime":"2026-03-01T10:00:01Z","finishedTime":"0001-01-01T00:00:00Z","restartCount":2}`),
	}, {
		ID: jobID, Name: "job",
		Config: []byte(`{"createdTime":"2026-03-02T10:00:00Z","rootfs":"/srv/root","exposedPorts":{"80":["tcp"],"53":["udp","tcp"]},
			"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp","hostIP":"127.0.0.1"}],"networkMode":"bridge","newNetworks":{"b":{},"a":{}}}`),
		State: []byte(`{"state":6,"exited":true,"exitCode":3,"startedTime":"2026-03-02T10:00:01Z","finishedTime":"2026-03-02T10:00:02Z"}`),
	}, {
		ID: infraID, Name: "dddd-infra", Pod: podID,
		Config: []byte(`{"createdTime":"2026-03-01T09:00:00Z","pod":"` + podID + `","pause":true,
			"newPortMappings":[{"host_ip":"","container_port":80,"host_port":8000,"range":1,"protocol":"tcp"},{"host_ip":"::1","container_port":90,"host_port":9000,"range":10,"protocol":"udp"}]}`),
		State: []byte(`{"state":3,"pid":4700}`),
	}},
	Pods: []poddb.Row{{
		ID: podID, Name: "front", Infra: infraID,
		Config: []byte(`{"created":"2026-03-01T09:00:00Z","labels":{"a":"b"},"hostname":"front","RestartPolicy":"always"}`),
		State:  []byte(`{"cgroupPath":"","InfraContainerID":"` + infraID + `"}`),
	}},
	Volumes: []poddb.Row{{
		Name:   "data",
		Config: []byte(`{"name":"data","labels":{"keep":"yes"},"volumeDriver":"local","mountPoint":"/var/lib/containers/storage/volumes/data/_data","createdAt":"2026-02-01T10:00:00Z","isAnon":true,"uid":33,"gid":34}`),
		State:  []byte(`{"mountCount":1}`),
	}, {
		Name:   "plug",
		Config: []byte(`{"volumeDriver":"image","storageImageID":"` + imageID + `","volumeOptions":{"image":"web"}}`),
		State:  []byte(`{"mountPoint":"/mnt/plug"}`),
	}},
}

// storeWith returns an opened store whose database fill makes, and its root.
func storeWith(t *testing.T, fill func(file string) error) (*cstor.Storage, string) {
	t.Helper()
	made := storetest.New(t, "container plain\n", storetest.Options{})
	if fill != nil {
		if err := fill(filepath.Join(made.Root, "db.sql")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := cstor.Open(t.Context(), made.Root, cstor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, made.Root
}

func fillWith(d poddb.DB) func(string) error {
	return func(file string) error { return poddb.Write(file, d) }
}

// one reads the only database of s.
func one(t *testing.T, s *cstor.Storage) *Database {
	t.Helper()
	all, err := Read(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("%d databases", len(all))
	}
	return all[0]
}

// entries lists a directory.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
