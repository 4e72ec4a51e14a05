package libpoddb

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

func TestRead(t *testing.T) {
	t.Parallel()
	s, root := storeWith(t, fillWith(sample))
	before := entries(t, root)
	db := one(t, s)
	if diff := cmp.Diff(before, entries(t, root)); diff != "" {
		t.Errorf("files of the store (-before +after):\n%s", diff)
	}
	if len(db.Problems) > 0 {
		t.Errorf("problems: %v", db.Problems)
	}
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	ports := []Port{{"", 8000, 80, 1, "tcp"}, {"::1", 9000, 90, 10, "udp"}}
	want := []*Container{{
		ID: infraID, Name: "dddd-infra", PodID: podID, PodName: "front", State: Running, PID: 4700, Created: at("2026-03-01T09:00:00Z"), Infra: true, Ports: ports,
	}, {
		ID: jobID, Name: "job", State: Exited, Exited: true, ExitCode: 3, Rootfs: "/srv/root",
		Created: at("2026-03-02T10:00:00Z"), Started: at("2026-03-02T10:00:01Z"), Finished: at("2026-03-02T10:00:02Z"),
		Ports: []Port{{"127.0.0.1", 8080, 80, 1, "tcp"}}, Exposed: []string{"53/tcp", "53/udp", "80/tcp"}, Networks: []string{"a", "b"}, NetworkMode: "bridge",
	}, {
		ID: webID, Name: "web", PodID: podID, PodName: "front", State: Running, PID: 4711, Created: at("2026-03-01T10:00:00.5Z"), Started: at("2026-03-01T10:00:01Z"),
		Restarts: 2, Restart: "always", ImageID: imageID, ImageName: "docker.io/library/web:1", Command: []string{"httpd", "-f"}, Args: []string{"/bin/httpd", "-f"},
		Env: []string{"A=b"}, Dir: "/srv", CreateCommand: []string{"podman", "run", "web"}, User: "33", Hostname: "web", Labels: map[string]string{"tier": "front"},
		Ports: ports, AutoRemove: true, Dependencies: []string{infraID}, Runtime: "crun", networkOf: infraID,
		Mounts: []Mount{
			{Type: "volume", Name: "data", Destination: "/data", Options: []string{"rw", "nosuid"}},
			{Type: "bind", Source: "/srv/web", Destination: "/etc/web", Options: []string{"ro", "rbind"}},
		},
	}}
	if diff := cmp.Diff(want, db.Containers(), cmp.AllowUnexported(Container{})); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	pods := []*Pod{{
		ID: podID, Name: "front", Created: at("2026-03-01T09:00:00Z"), Labels: map[string]string{"a": "b"}, Hostname: "front", InfraID: infraID, Restart: "always",
		Containers: []*Container{want[0], want[2]},
	}}
	if diff := cmp.Diff(pods, db.Pods(), cmp.AllowUnexported(Container{})); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
	volumes := []*Volume{
		{
			Name: "data", Driver: "local", Mountpoint: "/var/lib/containers/storage/volumes/data/_data", Created: at("2026-02-01T10:00:00Z"),
			Labels: map[string]string{"keep": "yes"}, Anonymous: true, UID: 33, GID: 34, Mounts: 1, Containers: []*Container{want[2]},
		},
		{Name: "plug", Driver: "image", Mountpoint: "/mnt/plug", ImageID: imageID, Options: map[string]string{"image": "web"}},
	}
	if diff := cmp.Diff(volumes, db.Volumes(), cmp.AllowUnexported(Container{})); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
	if got := db.Container(webID); got == nil || got.Name != "web" {
		t.Errorf("Container: %v", got)
	}
	config := Config{
		SchemaVersion: 1, OS: "linux", StaticDir: root + "/libpod", TmpDir: "/run/libpod", GraphRoot: root, RunRoot: "/run/containers/storage",
		GraphDriver: "overlay", VolumeDir: root + "/volumes",
	}
	if diff := cmp.Diff(config, db.Config); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestAfterBoot(t *testing.T) {
	t.Parallel()
	s, _ := storeWith(t, fillWith(sample))
	db := one(t, s)
	after := db.AfterBoot()
	for id, want := range map[string]State{webID: Exited, jobID: Exited, infraID: Exited} {
		if c := after.Container(id); c.State != want || c.PID != 0 || c.Restarts != 0 {
			t.Errorf("%s: %v, pid %d, %d restarts", c.Name, c.State, c.PID, c.Restarts)
		}
	}
	if got := after.Pod(podID); got.Status() != "Exited" || got.Containers[0] != after.Container(infraID) {
		t.Errorf("pod: %s", got.Status())
	}
	if got := after.Volume("data"); got.Mounts != 0 || got.Containers[0] != after.Container(webID) {
		t.Errorf("volume: %+v", got)
	}
	if got := db.Container(webID).State; got != Running || db.Pod(podID).Status() != "Running" {
		t.Errorf("the database itself was changed: %v", got)
	}
}

// TestRebooted looks for a file "alive" below another root.
func TestRebooted(t *testing.T) {
	t.Parallel()
	const boot, other = "0b7f2c5e-6a5d-4b43-9c61-6a5d4b439c61\n", "11111111-6a5d-4b43-9c61-6a5d4b439c61\n"
	for _, test := range []struct {
		name, tmp       string
		alive           string // "none" if it is not there
		graphRoot       string
		rebooted, known bool
	}{
		{name: "same boot", tmp: "/run/libpod", alive: boot, known: true},
		{name: "another boot", tmp: "/run/libpod", alive: other, rebooted: true, known: true},
		{name: "not since", tmp: "/run/libpod", alive: "none", rebooted: true, known: true},
		{name: "no id", tmp: "/run/libpod", alive: "", known: true},
		{name: "user", tmp: "/run/user/1000/libpod/tmp", alive: other, rebooted: true, known: true},
		{name: "elsewhere", tmp: "/etc", alive: other},
		{name: "dots", tmp: "/run/user/../libpod/tmp", alive: other},
		{name: "copy", tmp: "/run/libpod", alive: other, graphRoot: "/elsewhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for file, text := range map[string]string{"proc/sys/kernel/random/boot_id": boot, test.tmp + "/alive": test.alive} {
				file = filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if text == "none" {
					continue
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			db := &Database{Store: "/store", Config: Config{TmpDir: test.tmp, GraphRoot: "/store"}}
			if test.graphRoot != "" {
				db.Config.GraphRoot = test.graphRoot
			}
			if rebooted, known := db.rebooted(root); rebooted != test.rebooted || known != test.known {
				t.Errorf("got %v, %v", rebooted, known)
			}
		})
	}
}

// TestReadNone: a store without database is a store without database.
func TestReadNone(t *testing.T) {
	t.Parallel()
	s, _ := storeWith(t, nil)
	if all, err := Read(t.Context(), s, Options{}); len(all) > 0 || err != nil {
		t.Errorf("got %v, %v", all, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), s, Options{}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("of a closed storage: %v", err)
	}
}

// TestReadEmpty: podman makes the file first, then the tables, then the row that says
// where it is.
func TestReadEmpty(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(string) error{
		"file":   func(file string) error { return os.WriteFile(file, nil, 0o644) },
		"tables": func(file string) error { return execute(file, poddb.Schema) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := storeWith(t, fill)
			if db := one(t, s); len(db.Containers()) > 0 || len(db.Pods()) > 0 || len(db.Volumes()) > 0 {
				t.Errorf("got %+v", db)
			}
		})
	}
}

func execute(file string, statements ...string) (err error) {
	db, err := poddb.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, text := range statements {
		if _, err := db.Exec(text); err != nil {
			return err
		}
	}
	return nil
}

// TestReadErrors: each fault is named, and the file is where it was.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	after := func(statements ...string) func(string) error {
		return func(file string) error { return errors.Join(poddb.Write(file, sample), execute(file, statements...)) }
	}
	patched := func(patch func(b []byte) []byte) func(string) error {
		return func(file string) error {
			b, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				if err := poddb.Write(file, sample); err != nil {
					return err
				}
				b, err = os.ReadFile(file)
			}
			if err != nil {
				return err
			}
			return os.WriteFile(file, patch(b), 0o644)
		}
	}
	for _, test := range []struct {
		name string
		fill func(string) error
		want error
	}{
		{"newer schema", fillWith(poddb.DB{SchemaVersion: 2}), ErrSchema},
		{"schema 0", after("UPDATE DBConfig SET SchemaVersion = 0"), ErrSchema},
		{"other tables", func(file string) error { return execute(file, "CREATE TABLE Other (ID)") }, ErrSchema},
		{"a table is missing", after("DROP TABLE PodState"), ErrSchema},
		{"a column is missing", after("ALTER TABLE VolumeConfig RENAME COLUMN JSON TO Text"), ErrSchema},
		{"a view", after("ALTER TABLE ContainerConfig RENAME TO c", "CREATE VIEW ContainerConfig AS SELECT * FROM c"), ErrSchema},
		{"endless view", after("DROP TABLE DBConfig", "CREATE VIEW DBConfig AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x AS SchemaVersion FROM n WHERE x < 0"), ErrSchema},
		{"no root", after("DROP TABLE DBConfig", "CREATE TABLE DBConfig (SchemaVersion, OS, StaticDir, TmpDir, GraphRoot, RunRoot, GraphDriver, VolumeDir)",
			"INSERT INTO DBConfig VALUES (1, '', '', '', NULL, '', '', '')"), ErrSchema},
		{"no number", after("UPDATE DBConfig SET SchemaVersion = 'x'"), ErrSchema},
		{"numbers of its own", after("DROP TABLE ContainerConfig", "CREATE TABLE ContainerConfig (ROWID TEXT, ID, Name, JSON)",
			"INSERT INTO ContainerConfig VALUES ('00', 'x', 'x', '{}')"), ErrSchema},
		{"generated numbers", after("DROP TABLE ContainerConfig", "CREATE TABLE ContainerConfig (ID, Name, JSON, rowid AS (ID))",
			"INSERT INTO ContainerConfig VALUES ('x', 'x', '{}')"), ErrSchema},
		{"a virtual table", after("DROP TABLE PodConfig", "CREATE VIRTUAL TABLE PodConfig USING fts5(ID, Name, JSON)"), ErrSchema},
		{"no database", func(file string) error { return os.WriteFile(file, []byte("hello"), 0o644) }, ErrCorrupt},
		{"cut off", patched(func(b []byte) []byte { return b[:len(b)/2] }), ErrCorrupt},
		{"page overwritten", patched(func(b []byte) []byte { clear(b[4096:]); return b }), ErrCorrupt},
		{"other page size", patched(func(b []byte) []byte { b[pageSizeAt] = 3; return b }), ErrCorrupt},
		{"huge", func(file string) error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, maxFile+1))
		}, ErrTooLarge},
		{"a directory", func(file string) error { return os.Mkdir(file, 0o755) }, nil},
		{"a link", func(file string) error { return os.Symlink("/etc/passwd", file) }, nil},
		{"bolt", func(file string) error {
			dir := filepath.Join(filepath.Dir(file), "libpod")
			return errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "bolt_state.db"), []byte("bolt"), 0o600))
		}, ErrBolt},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, root := storeWith(t, test.fill)
			before := entries(t, root)
			all, err := Read(t.Context(), s, Options{})
			if len(all) > 0 {
				t.Errorf("got %v beside", all[0])
			}
			if err == nil || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if where := (*Error)(nil); !errors.As(err, &where) || where.Store != root {
				t.Errorf("%v does not say which store", err)
			}
			if diff := cmp.Diff(before, entries(t, root)); diff != "" {
				t.Errorf("files of the store (-before +after):\n%s", diff)
			}
		})
	}
}

// TestReadProblems: a row that makes no sense is left out, and told of.
func TestReadProblems(t *testing.T) {
	t.Parallel()
	d := sample
	d.Containers = append(d.Containers[:len(d.Containers):len(d.Containers)], poddb.Row{ID: "x1", Name: "bad", Config: []byte(`{"labels":7}`)},
		poddb.Row{ID: "x2", Name: "worse", State: []byte(`{{`)})
	s, _ := storeWith(t, fillWith(d))
	db := one(t, s)
	if len(db.Problems) != 2 || len(db.Containers()) != len(sample.Containers) {
		t.Errorf("%d containers, problems: %v", len(db.Containers()), db.Problems)
	}
}

// TestVolumeOwner: owners may have any id.
func TestVolumeOwner(t *testing.T) {
	t.Parallel()
	v, err := parseVolume("v", []byte(`{"uid":4294967294,"gid":2147483648}`), nil)
	if err != nil || uint32(v.UID) != 1<<32-2 || uint32(v.GID) != 1<<31 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestReadPlaces: the usual static_dir counts after the root.
func TestReadPlaces(t *testing.T) {
	t.Parallel()
	s, root := storeWith(t, nil)
	if err := os.Mkdir(filepath.Join(root, "libpod"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := poddb.Write(filepath.Join(root, "libpod", "db.sql"), sample); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s); got.File != filepath.Join(root, "libpod", "db.sql") || len(got.Pods()) != 1 {
		t.Errorf("got %s", got.File)
	}
	if err := poddb.Write(filepath.Join(root, "db.sql"), poddb.DB{}); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s); got.File != filepath.Join(root, "db.sql") || len(got.Pods()) != 0 {
		t.Errorf("got %s", got.File)
	}
}

// TestReadReplaced: the file that has the name counts, not the one that is open.
func TestReadReplaced(t *testing.T) {
	t.Parallel()
	s, root := storeWith(t, fillWith(poddb.DB{}))
	one(t, s)
	other := filepath.Join(t.TempDir(), "other")
	if err := errors.Join(poddb.Write(other, sample), os.Rename(other, filepath.Join(root, "db.sql"))); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s); len(got.Containers()) != 3 {
		t.Errorf("%d containers", len(got.Containers()))
	}
	if err := execute(filepath.Join(root, "db.sql"), "DELETE FROM PodConfig"); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s); len(got.Pods()) != 0 {
		t.Errorf("%d pods", len(got.Pods()))
	}
}

func TestReadCanceled(t *testing.T) {
	t.Parallel()
	s, _ := storeWith(t, fillWith(sample))
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := Read(ctx, s, Options{}); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
