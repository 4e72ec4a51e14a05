package libpoddb

import (
	"encoding/binary"
	"fmt"
)

// A write-ahead log holds pages of the database as they are after transactions (SQLite
// file format, "The Write-Ahead Log"; src/wal.c). Its header, all big-endian:
//
//	 0  uint32   logMagic; with the last bit set, checksums read big-endian words
//	 4  uint32   3007000
//	 8  uint32   bytes in a page
//	16  8 bytes  salt
//	24  2 uint32 checksum of the 24 bytes before
//
// and of each frame, before its page:
//
//	 0  uint32   number of the page
//	 4  uint32   pages in the database, in the last frame of a transaction; else 0
//	 8  8 bytes  salt, as in the header; others are of before the log was begun anew
//	16  2 uint32 checksum of all from the header on: but for itself and the salts
const (
	logMagic    = 0x377f0682
	logVersion  = 3007000
	logHeader   = 32
	frameHeader = 24
)

// applyLog puts the finished transactions of a log into image, a database file, whose
// bytes may be changed. What is no log, or is not finished, does not count.
func applyLog(image, log []byte) ([]byte, error) {
	if len(log) < logHeader {
		return image, nil
	}
	first := binary.BigEndian.Uint32(log)
	pageSize := int(binary.BigEndian.Uint32(log[8:]))
	if first&^1 != logMagic || binary.BigEndian.Uint32(log[4:]) != logVersion || !validPageSize(pageSize) {
		return image, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if first&1 != 0 {
		order = binary.BigEndian
	}
	sum := logSum{order: order}
	sum.add(log[:24])
	if !sum.is(log[24:]) {
		return image, nil
	}
	salt := string(log[16:24])
	begin := logHeader // of the transaction
	for at := logHeader; len(log)-at >= frameHeader+pageSize; {
		head, page := log[at:at+frameHeader], log[at+frameHeader:at+frameHeader+pageSize]
		sum.add(head[:8])
		sum.add(page)
		if binary.BigEndian.Uint32(head) == 0 || string(head[8:16]) != salt || !sum.is(head[16:]) {
			break
		}
		at += frameHeader + pageSize
		pages := binary.BigEndian.Uint32(head[4:])
		if pages == 0 {
			continue
		}
		if uint64(pages)*uint64(pageSize) > maxFile {
			return nil, fmt.Errorf("%w: its log says %d pages of %d bytes", ErrTooLarge, pages, pageSize)
		}
		image = resize(image, int(pages)*pageSize)
		for ; begin < at; begin += frameHeader + pageSize {
			if number := binary.BigEndian.Uint32(log[begin:]); number <= pages {
				copy(image[int(number-1)*pageSize:], log[begin+frameHeader:begin+frameHeader+pageSize])
			}
		}
	}
	return image, nil
}

// logSum is the checksum of logs: two words, each added to with the other.
type logSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add takes a multiple of 8 bytes.
func (s *logSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.s0 += s.order.Uint32(b) + s.s1
		s.s1 += s.order.Uint32(b[4:]) + s.s0
	}
}

func (s *logSum) is(want []byte) bool {
	return s.s0 == binary.BigEndian.Uint32(want) && s.s1 == binary.BigEndian.Uint32(want[4:])
}
