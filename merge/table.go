package merge

import "hash/maphash"

// A table finds nodes by directory and name. It is a hash table with linear probing
// that holds indexes only: the keys are in the nodes. That takes 11 to 21 bytes a name,
// where a map would take some 60.
type table struct {
	slots []uint64 // the hash, and an index in the lower half; 0 if free
	used  int
	seed  maphash.Seed // of hashes that no layer can foresee
}

const firstSlots = 64

func newTable() table {
	return table{slots: make([]uint64, firstSlots), seed: maphash.MakeSeed()}
}

func (t *table) hash(dir uint32, base string) uint32 {
	h := maphash.String(t.seed, base) ^ uint64(dir)*0x9e3779b97f4a7c15
	return uint32(h * 0xd6e8feb86659fd93 >> 32)
}

// slot returns where the name is, or where it would be put, and the node there, or 0.
// A dead node is found too.
func (d *draft) slot(hash, dir uint32, base string) (at int, node uint32) {
	slots := d.table.slots
	mask := len(slots) - 1
	for at = int(hash) & mask; slots[at] != 0; at = (at + 1) & mask {
		if uint32(slots[at]>>32) != hash {
			continue
		}
		node = uint32(slots[at])
		if n := d.nodes.at(node); n.parent == dir && d.base(n) == base {
			return at, node
		}
	}
	return at, 0
}

// enter makes a slot lead to a node.
func (t *table) enter(at int, hash, node uint32) {
	isNew := t.slots[at] == 0
	t.slots[at] = uint64(hash)<<32 | uint64(node)
	if !isNew {
		return
	}
	if t.used++; t.used < len(t.slots)/4*3 {
		return
	}
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	mask := len(t.slots) - 1
	for _, s := range old {
		if s == 0 {
			continue
		}
		at := int(s>>32) & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = s
	}
}
