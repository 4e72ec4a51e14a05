package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestManPagesDate: a page has the date that it is given, or none.
func TestManPagesDate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		date time.Time
		want string
	}{
		{"none", time.Time{}, `.TH "CSTOR-INFO" "1" "" "cstor" "cstor"`},
		{"some", time.Unix(1700000000, 0).UTC(), `.TH "CSTOR-INFO" "1" "Nov 2023" "cstor" "cstor"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := manPages((&app{}).command(), dir, tt.date); err != nil {
				t.Fatal(err)
			}
			if page := mustRead(t, filepath.Join(dir, "cstor-info.1")); !strings.Contains(page, tt.want) {
				t.Errorf("no %s in %.200s", tt.want, page)
			}
		})
	}
}
