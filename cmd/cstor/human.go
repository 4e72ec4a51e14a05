package main

import (
	"fmt"
	"strings"
	"time"
)

// short is an id or digest as tables show it: twelve digits.
func short(id string) string {
	if _, hex, ok := strings.Cut(id, ":"); ok {
		id = hex
	}
	if len(id) > 12 {
		return id[:12]
	}
	return id
}

// size in decimal units with three digits, as podman prints it; unknown if
// negative.
func size(n int64) string {
	if n < 0 {
		return "-"
	}
	v, unit := float64(n), 0
	for v >= 999.5 && unit < 6 { // which would be rounded to 1000
		v /= 1000
		unit++
	}
	return fmt.Sprintf("%.3g %s", v, []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}[unit])
}

// ago is how long before now t was, in one unit.
func ago(t, now time.Time) string {
	if t.IsZero() || t.Unix() <= 0 {
		return "-"
	}
	d := now.Sub(t)
	for _, unit := range []struct {
		name string
		long time.Duration
	}{
		{"year", 365 * 24 * time.Hour},
		{"month", 30 * 24 * time.Hour},
		{"week", 7 * 24 * time.Hour},
		{"day", 24 * time.Hour},
		{"hour", time.Hour},
		{"minute", time.Minute},
		{"second", time.Second},
	} {
		// As podman's listings: there are two of a unit before it is used, but for minute and hour.
		if n := int(d / unit.long); n >= 2 || n == 1 && (unit.name == "minute" || unit.name == "hour") {
			return count(n, unit.name) + " ago"
		}
	}
	if d < 0 {
		return "in the future"
	}
	return "just now"
}
