package storageconf

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

const (
	// maxFileSize is the largest storage.conf in bytes. The commented file that
	// container-libs ships has about 10 KB.
	maxFileSize = 64 << 10
	// maxTotalSize bounds all files together, in bytes.
	maxTotalSize = 1 << 20
	// maxLineDots and maxBraces bound dotted keys and inline tables. The parser
	// takes time that grows with the cube of a key's parts: 64 KiB of "a.a.a…"
	// occupy it for more than a minute, and within these limits for a quarter of
	// a second. Real keys have four parts.
	maxLineDots = 50
	maxBraces   = 50
)

// fileConfig is the part of a storage.conf that matters to a reader. Keys are
// those of container-libs storage/types/options.go:TomlConfig and
// storage/pkg/config/config.go:OptionsConfig.
type fileConfig struct {
	Storage storageTable `toml:"storage"`
}

type storageTable struct {
	Driver              string       `toml:"driver"`
	DriverPriority      stringList   `toml:"driver_priority"`
	GraphRoot           string       `toml:"graphroot"`
	RunRoot             string       `toml:"runroot"`
	ImageStore          string       `toml:"imagestore"`
	RootlessStoragePath string       `toml:"rootless_storage_path"`
	TransientStore      bool         `toml:"transient_store"`
	Options             optionsTable `toml:"options"`
}

type optionsTable struct {
	AdditionalImageStores stringList   `toml:"additionalimagestores"`
	AdditionalLayerStores stringList   `toml:"additionallayerstores"`
	MountProgram          string       `toml:"mount_program"`
	ForceMask             uint32       `toml:"force_mask"` // an integer here, a string in the overlay table
	Overlay               overlayTable `toml:"overlay"`
}

type overlayTable struct {
	MountProgram string `toml:"mount_program"`
	ForceMask    string `toml:"force_mask"`
}

// stringList is an array of strings which may also hold {append=true}: the
// values are then added to those of earlier files, and so are those of all later
// files, until one says {append=false} (container-libs
// storage/pkg/configfile/slice.go:UnmarshalTOML).
type stringList struct {
	values  []string
	appends bool
	plain   bool // old rules: strings only
}

var _ toml.Unmarshaler = (*stringList)(nil)

// UnmarshalTOML implements [toml.Unmarshaler].
func (l *stringList) UnmarshalTOML(data any) error {
	items, ok := data.([]any)
	if !ok {
		return errors.New("not an array")
	}
	var values []string
	for _, item := range items {
		switch item := item.(type) {
		case string:
			values = append(values, item)
		case map[string]any:
			if l.plain {
				return errors.New("a table in an array of strings")
			}
			for key, v := range item {
				on, isBool := v.(bool)
				if key != "append" || !isBool {
					return fmt.Errorf("attribute %s is not append = true or false", quote(key))
				}
				l.appends = on
			}
		default:
			return errors.New("an array item is neither a string nor {append = …}")
		}
	}
	if l.appends {
		values = append(l.values, values...)
	}
	l.values = values
	return nil
}

// decode adds the file at path, whose content is data, to what is in cfg. Later
// keys win, also over zero values.
func (d *discovery) decode(path string, data []byte, cfg *fileConfig) error {
	if err := checkSize(data); err != nil {
		return d.fileError(path, err)
	}
	if d.total += len(data); d.total > maxTotalSize {
		return d.fileError(path, fmt.Errorf("%w: over %d bytes in all files", ErrTooLarge, maxTotalSize))
	}
	for _, l := range []*stringList{
		&cfg.Storage.DriverPriority, &cfg.Storage.Options.AdditionalImageStores, &cfg.Storage.Options.AdditionalLayerStores,
	} {
		l.plain = d.rules == RulesOld
	}
	meta, err := toml.NewDecoder(bytes.NewReader(data)).Decode(cfg)
	if err != nil {
		return d.report(KindFile, parseFault(path, err))
	}
	return d.noteKeys(path, meta, cfg)
}

// fileError traces and returns a fault in a file.
func (d *discovery) fileError(path string, err error) error {
	return d.report(KindFile, &SourceError{Source: path, Err: cause(err)})
}

func (d *discovery) report(kind Kind, e *SourceError) error {
	d.note(kind, e.Source, StateError, "%v", e)
	return e
}

// parserText is how the parser words its errors.
var parserText = regexp.MustCompile(`(?s)^toml: line (\d+)(?: \(last key "(.*?)"\))?: (.*)$`)

// parseFault takes the place out of the parser's errors. Those about wrong types
// are plain errors, which have it only in their text.
func parseFault(path string, err error) *SourceError {
	e := &SourceError{Source: path, Err: err}
	if m := parserText.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Key, e.Err = oneLine(m[2]), &parserError{oneLine(m[3]), err}
	}
	return e
}

// parserError is a parser's error on one line of limited length: the original
// may repeat a key as long as the file.
type parserError struct {
	text string
	err  error
}

func (e *parserError) Error() string { return e.text }
func (e *parserError) Unwrap() error { return e.err }

func oneLine(s string) string {
	cut := ""
	if len(s) > maxShown {
		s, cut = s[:maxShown], "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�")) + cut
}

// checkSize refuses what would occupy the parser for long.
func checkSize(data []byte) error {
	if len(data) > maxFileSize {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(data), maxFileSize)
	}
	braces := 0
	// What looks like a comment may be the end of a string of several lines, with more
	// behind it.
	multiline := bytes.Contains(data, []byte("'''")) || bytes.Contains(data, []byte(`"""`))
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(bytes.TrimLeft(line, " \t"), []byte("\r\n"))
		if !multiline && bytes.HasPrefix(line, []byte("#")) && !bytes.ContainsRune(line, '\r') {
			continue
		}
		braces += bytes.Count(line, []byte("{"))
		if braces > maxBraces || bytes.Count(line, []byte(".")) > maxLineDots {
			return ErrTooComplex
		}
	}
	return nil
}
