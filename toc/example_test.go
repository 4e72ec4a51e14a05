package toc_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/cstor-go/cstor/toc"
)

func ExampleDecode() {
	table := strings.NewReader(`{"version":1,"entries":[
		{"type":"dir","name":"etc/","mode":493},
		{"type":"reg","name":"etc/hostname","mode":420,"size":7}]}`)
	for entry, err := range toc.Decode(table, toc.DecodeOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %o %s\n", entry.Type, entry.Mode, entry.Name)
	}
	// Output:
	// dir 755 etc/
	// reg 644 etc/hostname
}
