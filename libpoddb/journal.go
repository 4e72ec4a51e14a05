package libpoddb

import (
	"encoding/binary"
	"fmt"
)

// A rollback journal holds pages of the database as they were before a transaction
// (SQLite file format, "The Rollback Journal"; src/pager.c:pager_playback). It is a
// sequence of segments, each with a header that takes up a sector:
//
//	 0  8 bytes  journalMagic
//	 8  uint32   how many pages the segment has; all ones: as many as there are
//	12  uint32   where the checksums begin
//	16  uint32   pages in the database before the transaction
//	20  uint32   bytes in a sector
//	24  uint32   bytes in a page
//
// and a page with its number before it and a checksum behind it for each. Numbers are
// big-endian.
const (
	journalMagic  = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
	journalHeader = 28
	maxSector     = 1 << 16
)

// rollBack undoes in image, a database file, the transaction that journal was left behind
// by, as the next who opens the database would. The bytes of image may be changed. A
// journal that does not begin with one, or none at all, leaves the image as it is.
func rollBack(image, journal []byte) ([]byte, error) {
	// Who keeps journals blanks the beginning of one that is done with.
	if len(journal) == 0 || journal[0] == 0 || len(image) == 0 {
		return image, nil
	}
	if super := superJournal(journal); super != "" {
		// Whether the transaction was finished depends on a file that may be anywhere.
		return nil, fmt.Errorf("%w: its journal is one of several of a transaction: %q", ErrCorrupt, super)
	}
	var pages uint32 // in the database, before
	sector, pageSize := 0, 0
	for at := 0; ; {
		if sector > 0 {
			at = (at + sector - 1) / sector * sector
		}
		if len(journal)-at < journalHeader || string(journal[at:at+len(journalMagic)]) != journalMagic {
			return image, nil
		}
		word := func(n int) uint32 { return binary.BigEndian.Uint32(journal[at+n:]) }
		if at == 0 {
			sector, pageSize = int(word(20)), int(word(24))
			if pageSize == 0 {
				pageSize = pageSizeOf(image)
			}
			if sector < 32 || sector > maxSector || sector&(sector-1) != 0 || !validPageSize(pageSize) {
				return image, nil
			}
			if pages = word(16); uint64(pages)*uint64(pageSize) > maxFile {
				return nil, fmt.Errorf("%w: its journal says %d pages of %d bytes", ErrTooLarge, pages, pageSize)
			}
			image = resize(image, int(pages)*pageSize)
		}
		count, seed := word(8), word(12)
		if at += sector; at > len(journal) {
			return image, nil
		}
		one := 4 + pageSize + 4
		if count == 1<<32-1 {
			count = uint32((len(journal) - at) / one)
		}
		for ; count > 0; count-- {
			if len(journal)-at < one {
				return image, nil
			}
			number := binary.BigEndian.Uint32(journal[at:])
			page := journal[at+4 : at+4+pageSize]
			sum := binary.BigEndian.Uint32(journal[at+4+pageSize:])
			at += one
			// A page that does not fit its checksum was never written whole, and neither
			// was what is behind it.
			switch {
			case number == 0 || number == lockPage(pageSize):
				return image, nil
			case number > pages: // was added
			case sum != checksum(page, seed):
				return image, nil
			default:
				copy(image[int(number-1)*pageSize:], page)
			}
		}
	}
}

// lockPage is the number of the page that has the bytes that are locked.
func lockPage(pageSize int) uint32 { return uint32(pendingByte.start/int64(pageSize)) + 1 }

// checksum adds each 200th byte of a page, from its end.
func checksum(page []byte, seed uint32) uint32 {
	for n := len(page) - 200; n > 0; n -= 200 {
		seed += uint32(page[n])
	}
	return seed
}

// superJournal is the name at the end of a journal that is one of several, empty of any
// other (src/pager.c:readSuperJournal): name, its length, a checksum, magic.
func superJournal(journal []byte) string {
	end := len(journal) - 16
	if end < 0 || string(journal[end+8:]) != journalMagic {
		return ""
	}
	length := binary.BigEndian.Uint32(journal[end:])
	return string(journal[end-int(min(uint64(length), uint64(end))) : end])
}

// resize cuts image off, or adds zeros.
func resize(image []byte, size int) []byte {
	if size <= len(image) {
		return image[:size:size]
	}
	return append(image, make([]byte, size-len(image))...)
}
