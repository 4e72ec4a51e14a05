package storetest

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// ParseFault makes a Fault from the words of a "break" line:
//
//	truncate-tar-split LAYER SIZE     tar-split LAYER LINE…        bomb-tar-split LAYER SIZE
//	remove-tar-split LAYER            remove LAYER NAME            replace LAYER NAME CONTENT
//	fifo LAYER NAME                   link LAYER NAME TARGET       resize LAYER NAME SIZE
//	corrupt LAYER NAME                drop-layer LAYER             parent LAYER PARENT
//	remove-link LAYER                 set-link LAYER TARGET        lower LAYER TEXT
//	lower-layers LAYER TEXT           edit-layer LAYER KEY JSON    edit-image IMAGE KEY JSON
//	edit-container CONTAINER KEY JSON big-data IMAGE KEY CONTENT   remove-big-data IMAGE KEY
//	write PATH CONTENT                delete PATH
//
// Each is the function of similar name. The edits set a key of the record to a
// JSON value; null deletes the key.
func ParseFault(verb string, args ...string) (Fault, error) {
	v, ok := faultVerbs[verb]
	if !ok {
		return nil, fmt.Errorf("break: unknown fault %q", verb)
	}
	if len(args) < v.args || len(args) > v.args && !v.more {
		return nil, fmt.Errorf("break %s: %d arguments, want %d", verb, len(args), v.args)
	}
	f, err := v.make(args)
	if err != nil {
		return nil, fmt.Errorf("break %s: %w", verb, err)
	}
	return f, nil
}

type faultVerb struct {
	args int
	more bool // further arguments are allowed
	make func(a []string) (Fault, error)
}

var faultVerbs = map[string]faultVerb{
	"truncate-tar-split": {2, false, sized(TruncateTarSplit)},
	"bomb-tar-split":     {2, false, sized(BombTarSplit)},
	"tar-split":          {1, true, func(a []string) (Fault, error) { return RawTarSplit(a[0], a[1:]...), nil }},
	"remove-tar-split":   one(RemoveTarSplit),
	"remove":             two(RemoveFile),
	"replace":            three(ReplaceFile),
	"fifo":               two(ReplaceWithFIFO),
	"link":               three(ReplaceWithLink),
	"resize": {3, false, func(a []string) (Fault, error) {
		n, err := strconv.ParseInt(a[2], 10, 64)
		return ResizeFile(a[0], a[1], n), err
	}},
	"corrupt":         two(CorruptFile),
	"drop-layer":      one(DropLayer),
	"parent":          two(SetParent),
	"remove-link":     one(RemoveLink),
	"set-link":        two(SetLink),
	"lower":           two(SetLower),
	"lower-layers":    two(SetLowerLayers),
	"edit-layer":      {3, false, edit(EditLayer)},
	"edit-image":      {3, false, edit(EditImage)},
	"edit-container":  {3, false, edit(EditContainer)},
	"big-data":        three(SetBigData),
	"remove-big-data": two(RemoveBigData),
	"write":           two(WriteFile),
	"delete":          one(Delete),
}

func one(f func(string) Fault) faultVerb {
	return faultVerb{1, false, func(a []string) (Fault, error) { return f(a[0]), nil }}
}

func two(f func(_, _ string) Fault) faultVerb {
	return faultVerb{2, false, func(a []string) (Fault, error) { return f(a[0], a[1]), nil }}
}

func three(f func(_, _, _ string) Fault) faultVerb {
	return faultVerb{3, false, func(a []string) (Fault, error) { return f(a[0], a[1], a[2]), nil }}
}

// sized reads a size that may be negative.
func sized(f func(string, int64) Fault) func([]string) (Fault, error) {
	return func(a []string) (Fault, error) {
		n, err := parseSize(a[1])
		return f(a[0], n), err
	}
}

func edit(f func(string, func(map[string]any)) Fault) func([]string) (Fault, error) {
	return func(a []string) (Fault, error) {
		var value any
		if err := json.Unmarshal([]byte(a[2]), &value); err != nil {
			return nil, fmt.Errorf("value of %q: %w", a[1], err)
		}
		return f(a[0], func(r map[string]any) {
			if r[a[1]] = value; value == nil {
				delete(r, a[1])
			}
		}), nil
	}
}
