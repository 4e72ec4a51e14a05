package tarsplit

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// lines reads a gzip stream line by line, each at most max bytes long.
type lines struct {
	gz   *gzip.Reader
	in   *bufio.Reader
	max  int
	long []byte // holds a line that is longer than in's buffer
	n    int64  // lines returned
	read int64  // uncompressed bytes returned
}

func newLines(r io.Reader, limit int) (*lines, error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return nil, &FormatError{Line: 0, Err: noEOF(err)}
	}
	return &lines{gz: gz, in: bufio.NewReaderSize(gz, 64<<10), max: limit}, nil
}

// next returns a line without its line feed, valid until the next call. After the
// last line the error is io.EOF; a stream that breaks off is an error of its own.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = l.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(l.long)+len(line) > l.max {
				return nil, &FormatError{l.n, fmt.Errorf("a line of more than %d bytes: %w", l.max, ErrLimit)}
			}
			l.long = append(l.long, line...)
			line, err = l.in.ReadSlice('\n')
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	switch {
	case err == nil:
		line = line[:len(line)-1]
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.EOF
	case !errors.Is(err, io.EOF): // io.EOF with data: a last line without line feed
		return nil, &FormatError{l.n, err}
	}
	l.n++
	l.read += int64(len(line)) + 1
	return line, nil
}

// noEOF turns the end of input where there must be more into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
