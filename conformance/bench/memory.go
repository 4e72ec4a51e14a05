package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// memory is the section of what merging an image takes.
type memory struct {
	title, about string
	peak         mergePeak
	resident     int64 // KiB, of cstor toc
}

// mergePeak is what the program mergepeak prints.
type mergePeak struct {
	Entries, Nodes    int
	Names, Most, Kept int64 // bytes
}

// maxEntry is how many bytes the merge may take for an entry, beside its name.
const maxEntry = 400

// memory merges an image in a program that looks at its heap, and lists it with cstor.
func (b *bench) memory(title string) (*memory, error) {
	c, of, err := b.contents("smallfiles")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(b.work, "mergepeak")
	if err := goBuild(b.ctx, ".", program, "./bench/mergepeak"); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(b.ctx, program, c.root, c.image.Image).Output()
	if err != nil {
		return nil, fmt.Errorf("mergepeak: %w", err)
	}
	m := &memory{title: title, about: c.about(of)}
	if err := json.Unmarshal(out, &m.peak); err != nil {
		return nil, fmt.Errorf("mergepeak: %w", err)
	}
	if n := c.image.Entries(); m.peak.Entries != n || m.peak.Most <= m.peak.Names {
		return nil, fmt.Errorf("mergepeak: %+v, of %d entries", m.peak, n)
	}
	for range 3 {
		u, err := b.start(c.ours("toc"), false, false)
		if err != nil {
			return nil, fmt.Errorf("cstor toc: %w", err)
		}
		m.resident = max(m.resident, u.peak)
	}
	return m, nil
}

// each is how many of so many bytes there are for an entry, beside names.
func (m *memory) each(bytes int64) int64 { return (bytes - m.peak.Names) / int64(m.peak.Entries) }

func (m *memory) tooMuch() bool { return m.each(m.peak.Most) >= maxEntry }

func (m *memory) missed() []string {
	if !m.tooMuch() {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d bytes an entry, the limit is %d", m.title, m.each(m.peak.Most), maxEntry)}
}

func (m *memory) write(page *strings.Builder) {
	fmt.Fprintf(page, `
## %s

%s The first two rows are of bench/mergepeak, which merges the layers' entries as they are decoded (package merge) and looks at
the heap every few thousand entries, after a garbage collection. Of the names it keeps the last components, %d bytes an entry with the
targets of links; the third column leaves them out. The last row is a process without garbage collections of that kind.

| memory | in all | an entry |
|---|---|---|
`, m.title, m.about, m.peak.Names/int64(m.peak.Entries))
	for _, row := range []struct {
		name  string
		bytes int64
		note  string
	}{
		{"merge, at most", m.peak.Most, targetNote(fmt.Sprintf("below %d", maxEntry), m.tooMuch())},
		{fmt.Sprintf("the tree, of %d nodes", m.peak.Nodes), m.peak.Kept, ""},
		{"`cstor toc`, resident, at most", m.resident << 10, ""},
	} {
		fmt.Fprintf(page, "| %s | %.1f MiB | %d bytes%s |\n", row.name, float64(row.bytes)/(1<<20), m.each(row.bytes), row.note)
	}
}
