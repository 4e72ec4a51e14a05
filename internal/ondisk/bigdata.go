package ondisk

import (
	"encoding/base64"
	"unicode/utf8"
)

// BigDataFile gives the name of the file that holds the big data item key: the
// key itself if it consists of digits, lower-case letters and dots, else "=" and
// its padded standard base64.
//
// The writers' check stops at the first other character and then asks whether
// input is left, so a key whose only such character is its last keeps its name
// (container-libs storage/store.go:makeBigDataBaseName). That is reproduced here.
//
// The result is not always a safe file name ("a/" is kept, and base64 has "/"):
// open it with a call that refuses to leave the record's directory.
func BigDataFile(key string) string {
	for i := 0; i < len(key); {
		r, size := utf8.DecodeRuneInString(key[i:])
		i += size
		plain := r == '.' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z')
		if plain && size == 1 {
			continue
		}
		if i < len(key) {
			return "=" + base64.StdEncoding.EncodeToString([]byte(key))
		}
	}
	return key
}
