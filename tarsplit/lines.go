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
	return &lines{in: bufio.NewReaderSize(gz, 64<<10), max: limit}, nil
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
	case err == io.EOF && len(line) == 0: // nothing else is the end
		return nil, io.EOF
	case err != io.EOF: // with data it is a last line without line feed
		return nil, &FormatError{l.n, noEOF(err)}
	}
	l.n++
	l.read += int64(len(line)) + 1
	return line, nil
}

// noEOF turns the end of input where there must be more into io.ErrUnexpectedEOF, so
// that no trouble, whoever's it is, can be taken for the end of a tar.
func noEOF(err error) error {
	switch {
	case err == io.EOF: //nolint:errorlint // plain, as most readers give it
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %v", io.ErrUnexpectedEOF, err) //nolint:errorlint // on purpose
	}
	return err
}
