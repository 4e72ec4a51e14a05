package relay

import (
	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/idmap"
)

// spec sends a Spec, but for the first step of its ids: the other end is in the namespace,
// where the kernel takes it.
func (e *encoder) spec(s driver.Spec) {
	e.int(int64(s.Form))
	e.place(s.Layer)
	e.uint(uint64(len(s.Tables)))
	for _, n := range s.Tables {
		e.int(int64(n))
	}
	e.bool(s.WhiteoutFiles)
	e.bool(s.Container)
	e.uint(uint64(len(s.Lowers)))
	for _, p := range s.Lowers {
		e.place(p)
	}
	e.idMap(s.IDs.Layer.UIDs)
	e.idMap(s.IDs.Layer.GIDs)
}

func (e *encoder) idMap(m idmap.Map) {
	e.uint(uint64(len(m)))
	for _, r := range m {
		for _, id := range []uint32{r.Inside, r.Outside, r.Size} {
			e.uint(uint64(id))
		}
	}
}

// spec takes a Spec. Whether it makes sense is for driver.Open to say.
func (d *decoder) spec() (s driver.Spec) {
	s.Form, s.Layer = driver.Form(d.int()), d.place()
	for n := d.count(); n > 0 && !d.bad; n-- {
		s.Tables = append(s.Tables, int(d.int()))
	}
	s.WhiteoutFiles, s.Container = d.bool(), d.bool()
	for n := d.count(); n > 0 && !d.bad; n-- {
		s.Lowers = append(s.Lowers, d.place())
	}
	s.IDs.Layer = idmap.Maps{UIDs: d.idMap(), GIDs: d.idMap()}
	return s
}

func (d *decoder) idMap() (m idmap.Map) {
	for n := d.count(); n > 0 && !d.bad; n-- {
		m = append(m, idmap.Range{Inside: uint32(d.uint()), Outside: uint32(d.uint()), Size: uint32(d.uint())})
	}
	return m
}

func (e *encoder) place(p driver.Place) {
	e.int(int64(p.Store))
	e.str(p.ID)
}

func (d *decoder) place() driver.Place { return driver.Place{Store: int(d.int()), ID: d.str()} }
