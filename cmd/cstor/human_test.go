package main

import (
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, id, want string }{
		{"id", "0123456789abcdef", "0123456789ab"},
		{"digest", "sha256:0123456789abcdef", "0123456789ab"},
		{"exactly twelve", "0123456789ab", "0123456789ab"},
		{"shorter", "abc", "abc"},
		{"nothing", "", ""},
		{"algorithm only", "sha256:", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := short(tt.id); got != tt.want {
				t.Errorf("short(%q) = %q, want %q", tt.id, got, tt.want)
			}
		})
	}
}

// TestSize: the numbers are those that podman prints (docker/go-units HumanSize
// with three digits).
func TestSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int64
		want string
	}{
		{-1, "-"},
		{0, "0 B"},
		{1, "1 B"},
		{999, "999 B"},
		{1000, "1 kB"},
		{1023, "1.02 kB"},
		{7671, "7.67 kB"},
		{99_949, "99.9 kB"},
		{999_499, "999 kB"},
		{999_500, "1 MB"},
		{999_999, "1 MB"},
		{1_000_000, "1 MB"},
		{446_000_000, "446 MB"},
		{999_999_999, "1 GB"},
		{1_500_000_000, "1.5 GB"},
		{2_000_000_000_000, "2 TB"},
		{3_000_000_000_000_000, "3 PB"},
		{1<<63 - 1, "9.22 EB"},
	} {
		if got := size(tt.n); got != tt.want {
			t.Errorf("size(%d) = %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name string
		t    time.Time
		want string
	}{
		{"no time", time.Time{}, "-"},
		{"the epoch, as reproducible builds have it", time.Unix(0, 0), "-"},
		{"before the epoch", time.Unix(-5, 0), "-"},
		{"now", now, "just now"},
		{"a second", now.Add(-time.Second), "just now"},
		{"seconds", now.Add(-59 * time.Second), "59 seconds ago"},
		{"a minute", now.Add(-time.Minute), "1 minute ago"},
		{"minutes", now.Add(-59 * time.Minute), "59 minutes ago"},
		{"an hour", now.Add(-time.Hour), "1 hour ago"},
		{"hours", now.Add(-23 * time.Hour), "23 hours ago"},
		{"a day", now.Add(-day), "24 hours ago"},
		{"days", now.Add(-13 * day), "13 days ago"},
		{"weeks", now.Add(-14 * day), "2 weeks ago"},
		{"a month is weeks", now.Add(-31 * day), "4 weeks ago"},
		{"months", now.Add(-60 * day), "2 months ago"},
		{"a year is months", now.Add(-365 * day), "12 months ago"},
		{"years", now.Add(-730 * day), "2 years ago"},
		{"another zone", now.Add(-time.Hour).In(time.FixedZone("", 3600)), "1 hour ago"},
		{"a clock that is behind", now.Add(time.Second), "in the future"},
		{"far ahead", now.Add(1000 * day), "in the future"},
		{"longer ago than a duration holds", time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC), "53 years ago"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ago(tt.t, now); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, repository, tag string }{
		{"docker.io/library/alpine:3", "docker.io/library/alpine", "3"},
		{"localhost:5000/a", "localhost:5000/a", "<none>"},
		{"localhost:5000/a:1", "localhost:5000/a", "1"},
		{"quay.io/a@sha256:0123", "quay.io/a", "<none>"},
		{"quay.io:443/a:1@sha256:0123", "quay.io:443/a:1", "<none>"},
		{"plain", "plain", "<none>"},
		{":", "", ""},
		{"", "", "<none>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if repository, tag := splitName(tt.name); repository != tt.repository || tag != tt.tag {
				t.Errorf("got %q, %q, want %q, %q", repository, tag, tt.repository, tt.tag)
			}
		})
	}
}

func TestManifestName(t *testing.T) {
	t.Parallel()
	for mediaType, want := range map[string]string{
		"application/vnd.oci.image.manifest.v1+json":                     "oci",
		"application/vnd.oci.image.index.v1+json":                        "oci index",
		"application/vnd.docker.distribution.manifest.v2+json":           "docker",
		"application/vnd.docker.distribution.manifest.list.v2+json":      "docker list",
		"application/vnd.docker.distribution.manifest.v1+json":           "docker v1",
		"application/vnd.docker.distribution.manifest.v1+prettyjws":      "docker v1",
		"application/vnd.example.something.that.is.yet.to.be.thought-of": "application/vnd.example.something.that.is.yet.to.be.thought-of",
	} {
		if got := manifestName(mediaType); got != want {
			t.Errorf("manifestName(%q) = %q, want %q", mediaType, got, want)
		}
	}
}
