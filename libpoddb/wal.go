package libpoddb

import (
	"context"
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
//
// It is what SQLite's checkpoint does (src/wal.c:walCheckpoint): the last finished
// transaction says how large the database is, and all pages up to there are copied.
func applyLog(ctx context.Context, image, log []byte) ([]byte, error) {
	frames, pageSize, err := finished(ctx, log)
	if len(frames) == 0 || err != nil {
		return image, err
	}
	one := frameHeader + pageSize
	pages := binary.BigEndian.Uint32(frames[len(frames)-one+4:])
	size := uint64(pages) * uint64(pageSize)
	if size > maxFile {
		return nil, fmt.Errorf("%w: its log says %d pages of %d bytes", ErrTooLarge, pages, pageSize)
	}
	// Who makes the database larger writes what is new. It may leave out the page of the
	// bytes that are locked.
	if most := uint64(len(image)) + uint64(len(frames)/one*pageSize) + 1<<16; size > most {
		return nil, fmt.Errorf("%w: its log says %d pages of %d bytes, and has fewer", ErrCorrupt, pages, pageSize)
	}
	image = resize(image, int(size))
	for ; len(frames) > 0; frames = frames[one:] {
		if number := binary.BigEndian.Uint32(frames); number <= pages {
			copy(image[int(number-1)*pageSize:], frames[frameHeader:one])
		}
	}
	return image, nil
}

// finished is the part of a log that has frames of finished transactions.
func finished(ctx context.Context, log []byte) (frames []byte, pageSize int, err error) {
	if len(log) < logHeader {
		return nil, 0, nil
	}
	first := binary.BigEndian.Uint32(log)
	pageSize = int(binary.BigEndian.Uint32(log[8:]))
	if first&^1 != logMagic || binary.BigEndian.Uint32(log[4:]) != logVersion || !validPageSize(pageSize) {
		return nil, 0, nil
	}
	sum := logSum{order: binary.LittleEndian}
	if first&1 != 0 {
		sum.order = binary.BigEndian
	}
	sum.add(log[:24])
	if !sum.is(log[24:]) {
		return nil, 0, nil
	}
	salt, all := string(log[16:24]), log[logHeader:]
	end := 0
	for at := 0; len(all)-at >= frameHeader+pageSize; {
		if err := context.Cause(ctx); err != nil {
			return nil, 0, err
		}
		head, page := all[at:at+frameHeader], all[at+frameHeader:at+frameHeader+pageSize]
		sum.add(head[:8])
		sum.add(page)
		if binary.BigEndian.Uint32(head) == 0 || string(head[8:16]) != salt || !sum.is(head[16:]) {
			break
		}
		if at += frameHeader + pageSize; binary.BigEndian.Uint32(head[4:]) > 0 {
			end = at
		}
	}
	return all[:end], pageSize, nil
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
