package storageconf

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxUnknown is how many unknown keys of one file the trace names.
const maxUnknown = 20

// readKeys are the keys that this package uses, in the order in which the trace
// shows them. An empty value means that the key is there and says nothing.
var readKeys = []struct {
	key   string
	value func(*storageTable) string
}{
	{"storage.driver", func(t *storageTable) string { return quote(t.Driver) }},
	{"storage.driver_priority", func(t *storageTable) string { return quoteList(t.DriverPriority.values) }},
	{"storage.graphroot", func(t *storageTable) string { return quote(t.GraphRoot) }},
	{"storage.runroot", func(t *storageTable) string { return quote(t.RunRoot) }},
	{"storage.imagestore", func(t *storageTable) string { return quote(t.ImageStore) }},
	{"storage.rootless_storage_path", func(t *storageTable) string { return quote(t.RootlessStoragePath) }},
	{"storage.transient_store", func(t *storageTable) string { return fmt.Sprint(t.TransientStore) }},
	{"storage.options.additionalimagestores", func(t *storageTable) string { return quoteList(t.Options.AdditionalImageStores.values) }},
	{"storage.options.additionallayerstores", func(t *storageTable) string { return quoteList(t.Options.AdditionalLayerStores.values) }},
	{"storage.options.mount_program", func(t *storageTable) string { return quote(t.Options.MountProgram) }},
	{"storage.options.force_mask", func(t *storageTable) string { return fmt.Sprintf("%#o", t.Options.ForceMask) }},
	{"storage.options.overlay.mount_program", func(t *storageTable) string { return quote(t.Options.Overlay.MountProgram) }},
	{"storage.options.overlay.force_mask", func(t *storageTable) string { return quote(t.Options.Overlay.ForceMask) }},
}

// otherKeys are keys of the library, and tables, that say nothing to a reader.
var otherKeys = func() map[string]bool {
	m := map[string]bool{"storage": true, "storage.options": true}
	add := func(table, keys string) {
		m[table] = true
		for key := range strings.FieldsSeq(keys) {
			m[table+"."+key] = true
		}
	}
	add("storage.options", "size mountopt skip_mount_home ignore_chown_errors use_composefs pull_options "+
		"disable-volatile root-auto-userns-user auto-userns-min-size auto-userns-max-size")
	add("storage.options.overlay", "size inodes mountopt skip_mount_home ignore_chown_errors use_composefs sync")
	add("storage.options.vfs", "ignore_chown_errors sync")
	add("storage.options.btrfs", "min_space size")
	add("storage.options.zfs", "mountopt fsname size")
	return m
}()

// leafKeys end in a value whose inner keys are not keys of the file's schema.
var leafKeys = map[string]bool{
	"storage.driver_priority": true, "storage.options.additionalimagestores": true,
	"storage.options.additionallayerstores": true, "storage.options.pull_options": true,
}

// noteKeys traces what a decoded file set, and what in it has no effect. Keys
// match whatever their case, as in the parser. The same key in two spellings is
// an error: the parser would take one of them at random.
func (d *discovery) noteKeys(path string, meta toml.MetaData, cfg *fileConfig) error {
	set := make(map[string]string) // folded key → as spelt
	var unknown []string
	unknownSet := make(map[string]bool)
	for _, k := range meta.Keys() {
		spelt := k.String()
		key := strings.ToLower(spelt)
		switch {
		case within(key, leafKeys) || within(key, unknownSet) || unknownSet[key]:
		case !isReadKey(key) && !otherKeys[key]:
			unknown = append(unknown, key)
			unknownSet[key] = true
		case set[key] != "" && set[key] != spelt:
			return d.fileError(path, fmt.Errorf("%w: keys %s and %s differ only in case", ErrSyntax, quote(set[key]), quote(spelt)))
		default:
			set[key] = spelt
		}
	}
	var shown []string
	for _, rk := range readKeys {
		if _, ok := set[rk.key]; ok {
			shown = append(shown, strings.TrimPrefix(rk.key, "storage.")+" = "+rk.value(&cfg.Storage))
			d.origin[rk.key] = path
		}
	}
	why := "sets nothing that a reader needs"
	if len(shown) > 0 {
		why = strings.Join(shown, ", ")
	}
	d.note(KindFile, path, StateUsed, "%s", why)
	for i, key := range unknown {
		if i == maxUnknown {
			d.note(KindKey, "…", StateIgnored, "%d more unknown keys in %s", len(unknown)-i, quote(path))
			break
		}
		why := "unknown key in " + quote(path)
		if key == "storage.options.imagestore" {
			why = "has no effect in this table, only as imagestore under [storage]; in " + quote(path)
		}
		d.note(KindKey, strings.Trim(quote(key), `"`), StateIgnored, "%s", why)
	}
	return nil
}

func isReadKey(key string) bool {
	for _, rk := range readKeys {
		if rk.key == key {
			return true
		}
	}
	return false
}

// within reports whether key lies below one of the given keys.
func within(key string, keys map[string]bool) bool {
	for i, c := range key {
		if c == '.' && keys[key[:i]] {
			return true
		}
	}
	return false
}

func quoteList(values []string) string {
	quoted := make([]string, 0, min(len(values), maxUnknown))
	for i, v := range values {
		if i == maxUnknown {
			quoted = append(quoted, "…")
			break
		}
		quoted = append(quoted, quote(v))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
