package oracle

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vbatts/tar-split/tar/storage"
)

// recipes and why tar-split does not do what tarsplit does.
var recipes = map[string]struct{ text, reason string }{
	"nothing":           {"", ""},
	"a tar":             {segment("abc") + file("a", 1) + file("b", 7) + segment("") + file("c", 5600) + file("d", 0), ""},
	"no last line feed": {segment("abc") + strings.TrimSpace(segment("d")), ""},
	"carriage returns":  {strings.ReplaceAll(segment("abc")+segment("d"), "\n", "\r\n"), ""},
	"blanks":            {` { "type" : 2 , "payload" : "QQ==" }` + "\n", ""},
	"unknown keys":      {`{"type":2,"payload":"QQ==","x":{"y":[1,null,true,"z"]}}` + "\n", ""},
	"keys twice":        {`{"type":1,"type":2,"payload":"QQ==","payload":"Qg=="}` + "\n", ""},
	"nulls":             {`{"type":2,"name":null,"name_raw":null,"size":null,"payload":null,"position":null}` + "\n", ""},
	"odd names":         {file("grüße\"\\\u2028a", 1) + file("latin1-\xe9", 1) + file("", 1) + file("<&>", 7), ""},
	"both names":        {`{"type":1,"name":"d","name_raw":"YQ==","size":1,"payload":"` + crc("x") + `"}` + "\n", ""},
	"lines in base64":   {`{"type":2,"payload":"QU\nFB"}` + "\n", ""},
	"escapes in base64": {`{"type":2,"payload":"\/\u0051==","x":"\""}` + "\n", ""},
	"CR in base64":      {"{\"type\":2,\"payload\":\"QUFB\r\r\r\r\"}\n", ""},
	"no padding":        {`{"type":2,"payload":"QQ"}` + "\n", ""},
	"bits in padding":   {`{"type":2,"payload":"QR=="}` + "\n", ""},
	"more than padding": {`{"type":2,"payload":"QQ==QQ=="}` + "\n", ""},
	"quote in base64":   {`{"type":2,"payload":"QUFB\"QUF"}` + "\n", ""},
	"wrong CRC":         {`{"type":1,"name":"a","size":1,"payload":"` + crc("y") + `"}` + "\n" + segment("z"), ""},
	"short CRC":         {`{"type":1,"name":"a","size":1,"payload":"QQ=="}` + "\n", ""},
	"missing file":      {file(strings.Repeat("a", 101), 1), ""},
	"half a line":       {segment("abc") + `{"type":2,"payl`, ""},
	"bad base64":        {`{"type":2,"payload":"***"}` + "\n", ""},
	"fraction":          {`{"type":1,"name":"a","size":1.0}` + "\n", ""},
	"too large number":  {`{"type":1,"name":"a","size":9223372036854775808}` + "\n", ""},

	"two on a line":     {strings.TrimSpace(segment("a")) + segment("b"), "a line that is not one object"},
	"one on two lines":  {"{\"type\":2,\n\"payload\":\"QQ==\"}\n", "a line that is not one object"},
	"blank line":        {segment("a") + "\n" + segment("b"), "a line that is not one object"},
	"null":              {"null\n", "a line that is not one object"},
	"numbers as bytes":  {`{"type":2,"payload":[65]}` + "\n", "a line that is not one object"},
	"type 3":            {`{"type":3}` + "\n", "an unknown type"},
	"no type":           {`{"payload":"QQ=="}` + "\n", "an unknown type"},
	"negative size":     {`{"type":1,"name":"a","size":-1,"payload":"` + crc("x") + `"}` + "\n", "a negative size"},
	"sized segment":     {`{"type":2,"size":1,"payload":"QQ=="}` + "\n", "a segment with a size"},
	"long segment":      {segment(strings.Repeat("a", maxSegment+1)), "a long segment"},
	"segment, not long": {segment(strings.Repeat("a", maxSegment)), ""},
	"too small":         {`{"type":1,"name":"b","size":6,"payload":"` + crc("content") + `"}` + "\n", "a file of another size"},
	"too large":         {`{"type":1,"name":"b","size":4611686018427387904,"payload":"` + crc("content") + `"}` + "\n", "a file of another size"},
	"sizes overflow":    {segment("a") + `{"type":1,"name":"b","size":9223372036854775807,"payload":"` + crc("content") + `"}` + "\n", "a size without measure"},
	"twice":             {file("b", 7) + file("b", 7), "two entries of one name"},
	"twice, if cleaned": {file("b", 7) + file("x/../b", 7), "two entries of one name"},
	"twice, no content": {file("d", 0) + file("./d", 0), "two entries of one name"},
	"odd position":      {`{"type":2,"payload":"QQ==","position":"x"}` + "\n", "a position that is none"},
	"no CRC":            {`{"type":1,"name":"a","size":1}` + "\n", "a file without CRC"},
	"link with size":    {segment(string(entry("l", '1', 3))) + `{"type":1,"name":"l","size":3,"payload":"AAAAAAAAAAA="}` + "\n", "an entry without content in the tar"},
	"link, negative":    {segment(string(entry("l", '1', -3))) + `{"type":1,"name":"l","size":-3,"payload":null}` + "\n", "an entry without content in the tar"},
	"sparse":            {segment(string(sparse01("b", "1,2,4,1,7,0", 7, 3))) + sized("b", 7, "\x00on\x00e\x00\x00") + segment("z"), "a sparse file"},
	"sparse, no holes":  {segment(string(sparse01("b", "0,7", 7, 7))) + file("b", 7), ""},
	"sparse, no data":   {segment(string(sparse01("x", "", 9, 0))) + sized(strings.Repeat("x", 101), 9, "") + segment("z"), "a sparse file"},
	"sparse, wrong CRC": {segment(string(sparse01("b", "1,2", 7, 2))) + file("b", 7), "a sparse file"},
	"sparse, too long":  {segment(string(sparse01("b", "1,2", 8, 2))) + file("b", 7), "a sparse file of another size"},
	"sparse, too short": {segment(string(sparse01("b", "1,2", 8, 2))) + sized("b", 8, "content"), "a file of another size"},
	"sparse, 1.0":       {segment(string(sparse10("b", 7, 515))) + file("b", 7), "a map that was not kept"},
	"sparse, elsewhere": {segment("x") + segment(string(sparse01("b", "1,2", 7, 2))) + file("b", 7), ""},
	"other letters":     {`{"Type":2,"payload":"QQ=="}` + "\n", "JSON that no writer makes"},
	"long s":            {`{"type":1,"name":"a","ſize":1}` + "\n", "JSON that no writer makes"},
	"deep":              {`{"type":2,"x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "}\n", "JSON that no writer makes"},
}

// TestReasons is the list of all differences between tarsplit and tar-split.
func TestReasons(t *testing.T) {
	for name, test := range recipes {
		t.Run(name, func(t *testing.T) { // not parallel: allocations are counted
			if got := judge(t, []byte(test.text)); got != test.reason {
				t.Errorf("differs because of %q, want %q", got, test.reason)
			}
		})
	}
}

func segment(text string) string {
	return fmt.Sprintf(`{"type":2,"payload":%q,"position":0}`+"\n", base64.StdEncoding.EncodeToString([]byte(text)))
}

// file is the line for a file of byName.
func file(name string, size int) string {
	v := map[string]any{"type": 1, "payload": nil, "position": 1}
	if v["name"] = name; !utf8.ValidString(name) {
		delete(v, "name")
		v["name_raw"] = []byte(name)
	}
	if size > 0 {
		content, _ := byName{}.content(name)
		v["size"], v["payload"] = size, crc(string(content))
	}
	line, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(line) + "\n"
}

// sized is the line for a file with that CRC.
func sized(name string, size int, content string) string {
	return fmt.Sprintf(`{"type":1,"name":%q,"size":%d,"payload":%q}`+"\n", name, size, crc(content))
}

func crc(content string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc64.Checksum([]byte(content), storage.CRCTable)))
}
