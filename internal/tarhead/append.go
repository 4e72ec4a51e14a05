package tarhead

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Append appends the blocks of an entry's header to b: a ustar header, with PAX records
// before it for what does not fit there. The same Header gives the same bytes. AccessTime,
// ChangeTime, Sparse, Offset and Content are not looked at: a file is written whole. Nor
// are records in PAX for which there is a field, and those that make a file sparse.
//
// What no reader could make sense of is an error: strings with NUL, negative sizes and
// owners, device numbers of more than 21 bits, records of more than 1 MiB.
func Append(b []byte, h *Header) ([]byte, error) {
	w := appender{records: map[string]string{}}
	w.text(fieldName, "path", h.Name)
	w.text(fieldLink, "linkpath", h.Linkname)
	w.text(fieldUname, "uname", h.Uname)
	w.text(fieldGname, "gname", h.Gname)
	w.number(fieldMode, "", h.Mode)
	w.number(fieldUID, "uid", h.UID)
	w.number(fieldGID, "gid", h.GID)
	w.number(fieldSize, "size", h.Size)
	w.number(fieldMajor, "", h.Devmajor)
	w.number(fieldMinor, "", h.Devminor)
	w.time(h.ModTime)
	for key, value := range h.PAX {
		if _, field := places[key]; !field && !strings.HasPrefix(key, xattrPrefix) {
			w.record(key, value)
		}
	}
	for name, value := range h.Xattrs {
		w.record(xattrPrefix+name, value)
	}
	if w.err != nil {
		return b, w.err
	}
	if len(w.records) > 0 {
		var err error
		if b, err = appendRecords(b, h.Name, w.records); err != nil {
			return b, err
		}
	}
	return append(b, w.finish(h.Type)...), nil
}

// field is a place in a block.
type field struct {
	what     string
	at, size int
}

var (
	fieldName  = field{"name", 0, 100}
	fieldMode  = field{"mode", 100, 8}
	fieldUID   = field{"uid", 108, 8}
	fieldGID   = field{"gid", 116, 8}
	fieldSize  = field{"size", 124, 12}
	fieldTime  = field{"time", 136, 12}
	fieldLink  = field{"link", 157, 100}
	fieldUname = field{"user name", 265, 32}
	fieldGname = field{"group name", 297, 32}
	fieldMajor = field{"device number", 329, 8}
	fieldMinor = field{"device number", 337, 8}
)

// appender fills the block of an entry, and collects what does not fit.
type appender struct {
	block   [BlockSize]byte
	records map[string]string
	err     error
}

func (w *appender) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// text puts a string into its field, or into a record if it is too long or not ASCII.
func (w *appender) text(f field, key, s string) {
	if strings.IndexByte(s, 0) >= 0 {
		w.fail("%s %.100q has a NUL", f.what, s)
	}
	if len(s) <= f.size && isASCII(s) {
		copy(w.block[f.at:], s)
		return
	}
	w.records[key] = s
}

// number puts a number into its field, in octal with a NUL, or into a record, if there
// is one for it.
func (w *appender) number(f field, key string, n int64) {
	switch {
	case n < 0, key == "" && n >= f.limit():
		w.fail("%s %d cannot be written", f.what, n)
	case n >= f.limit():
		w.records[key] = strconv.FormatInt(n, 10)
		w.octal(f, 0)
	default:
		w.octal(f, n)
	}
}

func (f field) limit() int64 { return 1 << (3 * (f.size - 1)) }

func (w *appender) octal(f field, n int64) {
	for i := f.size - 2; i >= 0; i-- {
		w.block[f.at+i] = byte('0' + n&7)
		n >>= 3
	}
}

// time puts whole seconds into the field, and other times into a record as well.
func (w *appender) time(t time.Time) {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	seconds, nanos := t.Unix(), t.Nanosecond()
	if fits := seconds >= 0 && seconds < fieldTime.limit(); fits {
		w.octal(fieldTime, seconds)
		if nanos == 0 {
			return
		}
	} else {
		w.octal(fieldTime, 0)
	}
	w.records["mtime"] = decimal(seconds, nanos)
}

// decimal is a time as a record has it: seconds with as many decimals as are needed.
func decimal(seconds int64, nanos int) string {
	sign := ""
	if seconds < 0 { // -1.25 s is -2 s and 750000000 ns
		sign = "-"
		if seconds = -seconds; nanos > 0 {
			seconds, nanos = seconds-1, 1e9-nanos
		}
	}
	s := sign + strconv.FormatUint(uint64(seconds), 10) // also of math.MinInt64
	if nanos > 0 {
		s += strings.TrimRight(fmt.Sprintf(".%09d", nanos), "0")
	}
	return s
}

func (w *appender) record(key, value string) {
	if key == "" || strings.ContainsAny(key, "=\x00") {
		w.fail("a record with the key %.100q cannot be written", key)
	}
	if strings.HasPrefix(key, sparsePrefix) {
		return // would make the file a sparse one
	}
	if _, taken := w.records[key]; !taken {
		w.records[key] = value
	}
}

// finish completes the block.
func (w *appender) finish(kind byte) []byte {
	w.block[typeAt] = kind
	copy(w.block[magicAt:], "ustar\x0000")
	copy(w.block[sumStart:], "        ")
	sum := int64(0)
	for _, c := range w.block {
		sum += int64(c)
	}
	w.octal(field{at: sumStart, size: 7}, sum)
	w.block[sumStart+6] = 0
	return w.block[:]
}

const (
	typeAt  = 156
	magicAt = 257

	sparsePrefix = "GNU.sparse."
)

// appendRecords appends an extension with the records, sorted by key.
func appendRecords(b []byte, name string, records map[string]string) ([]byte, error) {
	var data []byte
	for _, key := range slices.Sorted(maps.Keys(records)) {
		value := records[key]
		if len(value) > maxExtension {
			return b, errTooMuch
		}
		data = appendRecord(data, key, value)
		if len(data) > maxExtension {
			return b, errTooMuch
		}
	}
	ext := appender{}
	copy(ext.block[:fieldName.size], "PaxHeaders.0/"+asciiOf(path.Base(name)))
	for _, f := range []field{fieldMode, fieldUID, fieldGID, fieldTime, fieldMajor, fieldMinor} {
		ext.octal(f, 0)
	}
	ext.octal(fieldSize, int64(len(data)))
	b = append(append(b, ext.finish(typePAX)...), data...)
	return append(b, zeros[:-len(data)&(BlockSize-1)]...), nil
}

var errTooMuch = fmt.Errorf("names and attributes of more than 1 MiB: %w", ErrTooLong)

// appendRecord appends "LENGTH KEY=VALUE\n", where LENGTH counts itself.
func appendRecord(b []byte, key, value string) []byte {
	rest := len(key) + len(value) + len(" =\n")
	size := rest
	for {
		if n := rest + len(strconv.Itoa(size)); n != size {
			size = n
			continue
		}
		break
	}
	b = append(strconv.AppendInt(b, int64(size), 10), ' ')
	b = append(append(append(b, key...), '='), value...)
	return append(b, '\n')
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// asciiOf drops what is not ASCII.
func asciiOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 || r == 0 {
			return -1
		}
		return r
	}, s)
}
