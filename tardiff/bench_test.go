package tardiff

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// BenchmarkCompare: archives of files of one size.
func BenchmarkCompare(b *testing.B) {
	const total = 64 << 20
	for _, size := range []int{0, 4 << 10, 1 << 20} {
		first, second := newBuilder(b), newBuilder(b)
		content := string(bytes.Repeat([]byte("content "), size/8))
		for i := range min(total/(size+512), 20_000) {
			first.file(fmt.Sprintf("usr/share/some/directory/file%d", i), content)
		}
		second.Write(first.Bytes())
		first.end(2)
		moved := newBuilder(b)
		moved.Write(second.Bytes()[size+512:])
		moved.Write(second.Bytes()[:size+512])
		second.end(2)
		moved.end(2)
		for _, c := range []struct {
			name  string
			other []byte
			want  int64
		}{{"equal", second.Bytes(), 0}, {"moved", moved.Bytes(), 1}} {
			for _, digests := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/size=%d/digests=%v", c.name, size, digests), func(b *testing.B) {
					b.SetBytes(int64(first.Len()))
					b.ReportAllocs()
					for b.Loop() {
						var s Summary
						for _, err := range Compare(b.Context(), streamOnly(first.Bytes()), io.Reader(bytes.NewReader(c.other)), Options{Digests: digests, Summary: &s}) {
							if err != nil {
								b.Fatal(err)
							}
						}
						if s.Differences != c.want {
							b.Fatalf("%d differences", s.Differences)
						}
					}
				})
			}
		}
	}
}
