package idmap

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Parse reads a map as the kernel shows it in /proc/PID/uid_map and gid_map: lines of
// three numbers, inside, outside and size (user_namespaces(7)).
func Parse(text []byte) (Map, error) {
	var m Map
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("id map: line %.80q: three numbers were expected", line)
		}
		var n [3]uint32
		for i, field := range fields {
			v, err := strconv.ParseUint(string(field), 10, 32)
			if err != nil {
				return nil, fmt.Errorf("id map: line %.80q: numbers of 32 bits were expected", line)
			}
			n[i] = uint32(v)
		}
		if len(m) == MaxRanges {
			return nil, fmt.Errorf("id map: over %d ranges", MaxRanges)
		}
		m = append(m, Range{n[0], n[1], n[2]})
	}
	return m, nil
}

// Own are the maps of the user namespace that this process was in when it was first
// asked for. Where /proc does not say, there is none.
var Own = sync.OnceValue(func() Maps { return Maps{own("uid_map"), own("gid_map")} })

func own(file string) Map {
	text, err := os.ReadFile("/proc/self/" + file)
	if err != nil {
		return nil
	}
	m, err := Parse(text)
	if err != nil {
		return nil
	}
	return m
}
