package main

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// benchmark is what `go test -bench` says of one, over several runs.
type benchmark struct {
	name   string
	unit   string
	values []float64
}

// parseBenchmarks reads what `go test -bench` printed: lines of a name, a count, and pairs of a value and a unit. Of each
// benchmark the first of those units is kept that it has.
func parseBenchmarks(out []byte, units ...string) (rows []*benchmark) {
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		unit, value, ok := telling(fields[2:], units)
		if !ok {
			continue
		}
		n := slices.IndexFunc(rows, func(b *benchmark) bool { return b.name == name })
		if n < 0 {
			n, rows = len(rows), append(rows, &benchmark{name: name, unit: unit})
		}
		rows[n].values = append(rows[n].values, value)
	}
	return rows
}

// telling chooses among pairs of a value and a unit.
func telling(pairs, units []string) (unit string, value float64, ok bool) {
	for _, unit := range units {
		for i := 0; i+1 < len(pairs); i += 2 {
			if value, err := strconv.ParseFloat(pairs[i], 64); err == nil && pairs[i+1] == unit {
				return unit, value, true
			}
		}
	}
	return "", 0, false
}

// amount is a value with its unit, for readers.
func (b *benchmark) amount(v float64) string {
	switch b.unit {
	case "entries/s", "nodes/s":
		return fmt.Sprintf("%.2f million %s", v/1e6, b.unit)
	case "ns/op":
		return fmt.Sprintf("%.1f µs", v/1e3)
	}
	return fmt.Sprintf("%.0f %s", v, b.unit)
}
