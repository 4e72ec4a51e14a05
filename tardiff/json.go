package tardiff

import (
	"encoding/json"
	"unicode/utf8"
)

// differenceJSON is a Difference in JSON, which knows no bytes but UTF-8: a string
// that is something else comes in two forms, one for people and one exact.
type differenceJSON struct {
	Kind          Kind      `json:"kind"`
	Name          string    `json:"name,omitempty"`
	NameBytes     []byte    `json:"name_base64,omitempty"`
	Record        string    `json:"record,omitempty"`
	Field         string    `json:"field,omitempty"`
	FieldBytes    []byte    `json:"field_base64,omitempty"`
	ContentOffset *int64    `json:"content_offset,omitempty"`
	A             *sideJSON `json:"a,omitempty"`
	B             *sideJSON `json:"b,omitempty"`
}

type sideJSON struct {
	Offset     int64  `json:"offset"`
	Entry      *int64 `json:"entry,omitempty"`
	Value      string `json:"value"`
	ValueBytes []byte `json:"value_base64,omitempty"`
	Start      int64  `json:"start,omitempty"`
	Length     int64  `json:"length,omitempty"` // if Value is not all
}

// MarshalJSON gives {"kind", "name", "record", "field", "content_offset", "a", "b"},
// each only if there is one, and for a and b {"offset", "entry", "value"}, with
// "start" and "length" if the value was shortened. A string that is not UTF-8 has a
// twin with its bytes: "name_base64", "field_base64", "value_base64".
func (d Difference) MarshalJSON() ([]byte, error) {
	j := differenceJSON{Kind: d.Kind, Name: d.Name, Record: d.Record, Field: d.Field, A: d.A.json(), B: d.B.json()}
	j.NameBytes, j.FieldBytes = inexact(d.Name), inexact(d.Field)
	if d.Kind == KindContent && d.ContentOffset >= 0 {
		j.ContentOffset = &d.ContentOffset
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Difference) UnmarshalJSON(data []byte) error {
	var j differenceJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*d = Difference{
		Kind: j.Kind, Name: exact(j.Name, j.NameBytes), Record: j.Record, Field: exact(j.Field, j.FieldBytes),
		ContentOffset: -1, A: j.A.side(), B: j.B.side(),
	}
	if j.ContentOffset != nil {
		d.ContentOffset = *j.ContentOffset
	}
	return nil
}

func (s Side) json() *sideJSON {
	if s.Offset < 0 {
		return nil
	}
	j := &sideJSON{Offset: s.Offset, Value: s.Value, ValueBytes: inexact(s.Value)}
	if s.Entry >= 0 {
		j.Entry = &s.Entry
	}
	if s.Length != int64(len(s.Value)) {
		j.Start, j.Length = s.Start, s.Length
	}
	return j
}

func (j *sideJSON) side() Side {
	if j == nil {
		return nothing()
	}
	s := Side{Offset: j.Offset, Entry: -1, Value: exact(j.Value, j.ValueBytes), Start: j.Start, Length: j.Length}
	if j.Entry != nil {
		s.Entry = *j.Entry
	}
	if s.Length == 0 {
		s.Length = int64(len(s.Value))
	}
	return s
}

// inexact returns the bytes of a string that JSON would change.
func inexact(s string) []byte {
	if utf8.ValidString(s) {
		return nil
	}
	return []byte(s)
}

func exact(s string, bytes []byte) string {
	if bytes != nil {
		return string(bytes)
	}
	return s
}
