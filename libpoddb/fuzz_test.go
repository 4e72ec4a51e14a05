package libpoddb

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

// FuzzRollBack compares with SQLite, which recovers a copy of the files on disk.
func FuzzRollBack(f *testing.F) {
	file := filepath.Join(f.TempDir(), "db")
	w := connect(f, file, "PRAGMA page_size=512", poddb.Schema, "PRAGMA cache_size=1", "BEGIN IMMEDIATE", "DROP TABLE PodState", "DROP TABLE PodConfig",
		"INSERT INTO IDNamespace WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n LIMIT 200) SELECT x FROM n")
	f.Add(read(f, file), read(f, file+"-journal"))
	do(f, w, "ROLLBACK")
	f.Add([]byte("x"), []byte(journalMagic))
	f.Fuzz(func(t *testing.T, image, journal []byte) {
		if len(image) > 1<<20 || len(journal) > 1<<20 {
			return
		}
		got, err := rollBack(bytes.Clone(image), journal)
		if err != nil || len(image) == 0 || len(journal) == 0 || journal[0] == 0 {
			if err == nil && !bytes.Equal(got, image) {
				t.Error("changed without a journal")
			}
			return
		}
		// SQLite takes the page size from a sound header, else it does not look at the
		// journal.
		if pageSizeOf(image) == 0 || len(image)%pageSizeOf(image) != 0 || len(got) > 8<<20 {
			return
		}
		file := filepath.Join(t.TempDir(), "db")
		if os.WriteFile(file, image, 0o600) != nil || os.WriteFile(file+"-journal", journal, 0o600) != nil {
			t.Fatal("cannot write")
		}
		db, err := poddb.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		err = db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&n)
		if cerr := db.Close(); cerr != nil {
			t.Fatal(cerr)
		}
		if _, serr := os.Stat(file + "-journal"); serr == nil {
			return // it was not looked at, or SQLite stumbled over it
		}
		want, rerr := os.ReadFile(file)
		if rerr != nil {
			t.Fatal(rerr)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes, SQLite has %d (%v)", len(got), len(want), err)
		}
	})
}

// FuzzApplyLog compares with SQLite, which copies the log into the database when it closes
// it.
func FuzzApplyLog(f *testing.F) {
	file := filepath.Join(f.TempDir(), "db")
	w := connect(f, file, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", poddb.Schema,
		"INSERT INTO VolumeConfig VALUES ('v', NULL, '{}')", "BEGIN", "DELETE FROM VolumeConfig", "COMMIT", "DROP TABLE PodState")
	image, log := read(f, file), read(f, file+"-wal")
	f.Add(image, log)
	f.Add(image, log[:len(log)/2])
	f.Add(image, log[:logHeader])
	do(f, w, "PRAGMA wal_checkpoint(RESTART)", "DROP TABLE VolumeState")
	image = read(f, file)
	f.Add(image, read(f, file+"-wal"))
	// Larger, and smaller meanwhile; the schema is in the first page.
	small := filepath.Join(f.TempDir(), "small")
	connect(f, small, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL", "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(3000))", "PRAGMA wal_checkpoint(TRUNCATE)")
	image = read(f, small)
	pages := uint32(len(image) / 512)
	for last := pages; last <= pages+2; last++ {
		f.Add(image, logOf([]frame{{pages + 1, pages + 1, 'a'}, {3, 2, 'b'}, {pages, last, 'c'}}))
	}
	f.Fuzz(func(t *testing.T, image, log []byte) {
		if len(image) > 1<<20 || len(log) > 1<<20 {
			return
		}
		got, err := applyLog(t.Context(), bytes.Clone(image), log)
		if err != nil || len(got) > 8<<20 {
			return
		}
		size := pageSizeOf(image)
		if size == 0 || len(image)%size != 0 || string(image[:len(magic)]) != magic || image[writeFormAt] != 2 || image[readFormAt] != 2 {
			return
		}
		file := filepath.Join(t.TempDir(), "db")
		if os.WriteFile(file, image, 0o600) != nil || os.WriteFile(file+"-wal", log, 0o600) != nil {
			t.Fatal("cannot write")
		}
		db, err := poddb.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		var n, busy, frames, copied int
		_ = db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&n) // it looks for the log at its first read
		err = db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &copied)
		if cerr := db.Close(); cerr != nil {
			t.Fatal(cerr)
		}
		if err != nil || busy != 0 {
			return // it is no database
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes, SQLite has %d", len(got), len(want))
		}
	})
}

// FuzzQuery: whatever a file holds, reading it ends, and what comes of it hangs together.
func FuzzQuery(f *testing.F) {
	file := filepath.Join(f.TempDir(), "db")
	if err := poddb.Write(file, sample); err != nil {
		f.Fatal(err)
	}
	whole := read(f, file)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, image []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		d, err := query(ctx, image, len(image))
		if ctx.Err() != nil {
			t.Fatal("it takes too long")
		}
		if err != nil {
			return
		}
		text := 0
		for _, c := range d.Containers() {
			text += len(c.ID) + len(c.Name)
			if p := d.Pod(c.PodID); p != nil && p.Name != c.PodName {
				t.Errorf("%q is in pod %q, %q", c.ID, p.Name, c.PodName)
			}
		}
		if text > len(image) {
			t.Errorf("%d bytes of names, of %d", text, len(image))
		}
		for _, v := range d.Volumes() {
			for _, c := range v.Containers {
				if d.Container(c.ID) != c {
					t.Errorf("volume %q has another container %q", v.Name, c.ID)
				}
			}
		}
		d.AfterBoot()
	})
}

// FuzzContainer: of JSON that is taken, times, ports and mounts are of sane form.
func FuzzContainer(f *testing.F) {
	for _, c := range sample.Containers {
		f.Add([]byte(c.Config), []byte(c.State))
	}
	f.Fuzz(func(t *testing.T, config, state []byte) {
		c, err := parseContainer("id", "name", config, state)
		if err != nil {
			return
		}
		if c.ID != "id" || c.Name != "name" {
			t.Errorf("it calls itself %q, %q", c.ID, c.Name)
		}
		for _, p := range c.Ports {
			if p.Count < 1 || p.Protocol == "" {
				t.Errorf("port %+v", p)
			}
		}
		if c.State.String() == "" || c.State.afterBoot() == Running {
			t.Errorf("state %d", c.State)
		}
	})
}

// FuzzPod is as FuzzContainer.
func FuzzPod(f *testing.F) {
	for _, p := range sample.Pods {
		f.Add([]byte(p.Config), []byte(p.State))
	}
	f.Fuzz(func(t *testing.T, config, state []byte) {
		if p, err := parsePod("id", "name", config, state); err == nil && (p.ID != "id" || p.Status() != "Created") {
			t.Errorf("%+v", p)
		}
	})
}

// FuzzVolume is as FuzzContainer.
func FuzzVolume(f *testing.F) {
	for _, v := range sample.Volumes {
		f.Add([]byte(v.Config), []byte(v.State))
	}
	f.Fuzz(func(t *testing.T, config, state []byte) {
		if v, err := parseVolume("name", config, state); err == nil && (v.Name != "name" || v.Driver == "") {
			t.Errorf("%+v", v)
		}
	})
}
