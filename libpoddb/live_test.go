package libpoddb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

// connect returns one connection to a database, as a writer has it.
func connect(t testing.TB, file string, statements ...string) *sql.Conn {
	t.Helper()
	db, err := poddb.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = conn.Close(), db.Close() })
	do(t, conn, statements...)
	return conn
}

func do(t testing.TB, conn *sql.Conn, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// TestLocked: a writer that has the file for itself is waited for, but not for ever; one
// that has only begun is not.
func TestLocked(t *testing.T) {
	t.Parallel()
	s, root := storeWith(t, fillWith(sample))
	w := connect(t, filepath.Join(root, "db.sql"), "BEGIN EXCLUSIVE", "DELETE FROM PodConfig")
	if _, err := Read(t.Context(), s, Options{Wait: 20 * time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Read(ctx, s, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	done := make(chan int)
	go func() {
		all, err := Read(t.Context(), s, Options{})
		if err != nil {
			t.Error(err)
		}
		pods := -1
		for _, db := range all {
			pods = len(db.Pods())
		}
		done <- pods
	}()
	time.Sleep(30 * time.Millisecond)
	do(t, w, "COMMIT")
	if got := <-done; got != 0 {
		t.Errorf("%d pods after the writer has let go", got)
	}
	// It has the reserved lock, and a journal that is not hot.
	do(t, w, "BEGIN IMMEDIATE", "DELETE FROM VolumeConfig")
	if !slices.Contains(entries(t, root), "db.sql-journal") {
		t.Fatal("there is no journal")
	}
	if got := one(t, s); len(got.Volumes()) != 2 {
		t.Errorf("%d volumes: of an unfinished transaction", len(got.Volumes()))
	}
	do(t, w, "COMMIT")
	if got := one(t, s); len(got.Volumes()) != 0 {
		t.Errorf("%d volumes", len(got.Volumes()))
	}
}

// TestKeepsWritersOut: while the file is copied, SQLite may begin, and not finish.
func TestKeepsWritersOut(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "db.sql")
	if err := poddb.Write(file, sample); err != nil {
		t.Fatal(err)
	}
	w := connect(t, file)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = withShared(t.Context(), f, time.Now().Add(time.Second), func() error {
		do(t, w, "BEGIN IMMEDIATE", "DELETE FROM PodConfig")
		if is, err := writer(f); !is || err != nil {
			t.Errorf("writer: %v, %v", is, err)
		}
		_, err := w.ExecContext(t.Context(), "COMMIT")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("commit: %v", err)
	}
	do(t, w, "COMMIT")
	if is, err := writer(f); is || err != nil {
		t.Errorf("writer: %v, %v", is, err)
	}
}

// brokenOff is a database and its journal in the middle of a transaction that has begun to
// change the file, and the database before.
func brokenOff(t testing.TB, pageSize int, mode string) (before, image, journal []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "db.sql")
	w := connect(t, file, fmt.Sprintf("PRAGMA page_size=%d", pageSize), "PRAGMA journal_mode="+mode, "PRAGMA synchronous=OFF")
	do(t, w, "BEGIN", poddb.Schema, "INSERT INTO DBConfig VALUES (1,1,'linux','','','','','','')")
	for n := range 400 {
		do(t, w, fmt.Sprintf("INSERT INTO VolumeConfig VALUES ('v%d', NULL, '{\"volumeDriver\":\"local\",\"mountPoint\":\"%s\"}')", n, strings.Repeat("/x", 300)),
			fmt.Sprintf("INSERT INTO VolumeState VALUES ('v%d', '{}')", n))
	}
	do(t, w, "COMMIT", "PRAGMA synchronous=FULL")
	before = read(t, file)
	do(t, w, "PRAGMA cache_size=4", "PRAGMA cache_spill=1", "BEGIN IMMEDIATE", "DELETE FROM VolumeConfig WHERE rowid % 2",
		"UPDATE VolumeConfig SET JSON = '{'", "DELETE FROM VolumeState")
	// When it begins to write the file, for want of memory, is SQLite's to say.
	for n := 0; n == 0 || (n < 100 && bytes.Equal(before, image)); n++ {
		do(t, w, fmt.Sprintf("INSERT INTO VolumeState WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 2000) SELECT 'new%d.' || x, 'not JSON' FROM n", n))
		image, journal = read(t, file), read(t, file+"-journal")
	}
	do(t, w, "ROLLBACK")
	if bytes.Equal(before, image) || len(journal) < pageSize {
		t.Fatalf("the transaction has changed nothing: %d bytes before, %d after, %d in the journal", len(before), len(image), len(journal))
	}
	return before, image, journal
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHotJournal: a transaction that was broken off never was.
func TestHotJournal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pageSize int
		mode     string
	}{{4096, "DELETE"}, {512, "DELETE"}, {65536, "DELETE"}, {1024, "PERSIST"}, {4096, "TRUNCATE"}} {
		t.Run(fmt.Sprint(test.pageSize, test.mode), func(t *testing.T) {
			t.Parallel()
			before, image, journal := brokenOff(t, test.pageSize, test.mode)
			s, root := storeWith(t, func(file string) error {
				return errors.Join(os.WriteFile(file, image, 0o644), os.WriteFile(file+"-journal", journal, 0o644))
			})
			files := entries(t, root)
			if got := one(t, s); len(got.Volumes()) != 400 || len(got.Problems) > 0 {
				t.Errorf("%d volumes, problems: %v", len(got.Volumes()), got.Problems)
			}
			file := filepath.Join(root, "db.sql")
			if !bytes.Equal(read(t, file), image) || !bytes.Equal(read(t, file+"-journal"), journal) {
				t.Error("the original was changed")
			}
			if diff := cmp.Diff(files, entries(t, root)); diff != "" {
				t.Errorf("files of the store (-before +after):\n%s", diff)
			}
			got, err := rollBack(bytes.Clone(image), journal)
			if err != nil || !bytes.Equal(got, before) {
				t.Errorf("%v; the bytes are not those before the transaction", err)
			}
		})
	}
}

// TestSuperJournal: what a journal could lead to elsewhere is not looked for.
func TestSuperJournal(t *testing.T) {
	t.Parallel()
	_, image, journal := brokenOff(t, 4096, "DELETE")
	journal = append(journal, "/etc/passwd\x00\x00\x00\x0b\x00\x00\x00\x00"+journalMagic...)
	if _, err := rollBack(image, journal); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "/etc/passwd") {
		t.Errorf("got %v", err)
	}
}

// TestLog: of a write-ahead log, finished transactions count, also when the file for its
// index is not there, and no file is made.
func TestLog(t *testing.T) {
	t.Parallel()
	s, root := storeWith(t, fillWith(sample))
	file := filepath.Join(root, "db.sql")
	w := connect(t, file, "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", "DELETE FROM VolumeConfig WHERE Name = 'plug'")
	files := entries(t, root)
	if !slices.Contains(files, "db.sql-wal") || !slices.Contains(files, "db.sql-shm") {
		t.Fatalf("there is no log in %v", files)
	}
	want := func(volumes int) {
		t.Helper()
		if got := one(t, s); len(got.Volumes()) != volumes {
			t.Errorf("%d volumes, want %d", len(got.Volumes()), volumes)
		}
		if diff := cmp.Diff(files, entries(t, root)); diff != "" {
			t.Errorf("files of the store (-before +after):\n%s", diff)
		}
	}
	want(1)
	do(t, w, "BEGIN IMMEDIATE", "DELETE FROM VolumeConfig")
	if _, err := Read(t.Context(), s, Options{Wait: 20 * time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
	do(t, w, "COMMIT")
	want(0)
	// The log is begun anew, and has old frames at its end.
	do(t, w, "INSERT INTO VolumeConfig WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 500) SELECT 'v' || x, NULL, '{}' FROM n", "PRAGMA wal_checkpoint(RESTART)", "DELETE FROM VolumeConfig WHERE Name = 'v1'")
	want(499)
	db, log := read(t, file), read(t, file+"-wal")
	s, root = storeWith(t, func(file string) error {
		return errors.Join(os.WriteFile(file, db, 0o644), os.WriteFile(file+"-wal", log, 0o644))
	})
	files = entries(t, root)
	want(499)
}

// TestWhileWriting reads while another connection writes without pause. Each transaction
// makes or deletes a volume, its state and its use together.
func TestWhileWriting(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, root := storeWith(t, fillWith(sample))
			w := connect(t, filepath.Join(root, "db.sql"), "PRAGMA busy_timeout=100000", "PRAGMA synchronous=OFF", "PRAGMA journal_mode="+mode)
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					do(t, w, "BEGIN EXCLUSIVE", "INSERT INTO VolumeConfig VALUES ('new', NULL, '{\"volumeDriver\":\"image\"}')",
						"INSERT INTO VolumeState VALUES ('new', '{\"mountPoint\":\"/new\"}')", "INSERT INTO ContainerVolume VALUES ('"+jobID+"', 'new')", "COMMIT")
					do(t, w, "BEGIN EXCLUSIVE", "DELETE FROM ContainerVolume WHERE VolumeName = 'new'", "DELETE FROM VolumeState WHERE Name = 'new'",
						"DELETE FROM VolumeConfig WHERE Name = 'new'", "COMMIT")
					time.Sleep(time.Millisecond) // a process that is started takes longer
				}
			}()
			seen := map[int]int{}
			for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); {
				db := one(t, s)
				seen[len(db.Volumes())]++
				if v := db.Volume("new"); v != nil && (v.Mountpoint != "/new" || len(v.Containers) != 1) {
					t.Errorf("half of a transaction: %+v", v)
				}
			}
			close(stop)
			<-stopped
			if seen[2]+seen[3] < 3 || len(seen) > 2 { // both, nearly always
				t.Errorf("numbers of volumes seen: %v", seen)
			}
		})
	}
}
