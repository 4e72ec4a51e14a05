package idmap

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SubRange is Count ids from Start on.
type SubRange struct{ Start, Count uint32 }

func (r SubRange) String() string { return fmt.Sprintf("%d:%d", r.Start, r.Count) }

// Subordinate reads a list of subordinate ids, the text of /etc/subuid or /etc/subgid:
// lines "NAME:START:COUNT", in which NAME is a user's name, in both files, or the number
// of his user id (subuid(5)). It returns the ranges of one user, in the list's order;
// name is empty if it is not known. Ranges without ids are left out.
//
// A line of his that makes no sense is an error; what is wrong in others' lines is not
// this user's concern. So are more than [MaxRanges]. What a directory service has
// (nsswitch.conf(5), "subid") is not asked for.
func Subordinate(list []byte, uid uint32, name string) ([]SubRange, error) {
	var ranges []SubRange
	number := strconv.FormatUint(uint64(uid), 10)
	for line := range bytes.Lines(list) {
		who, rest, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		if !ok || who == "" || strings.HasPrefix(who, "#") || who != name && who != number {
			continue
		}
		first, second, _ := strings.Cut(rest, ":")
		start, err1 := strconv.ParseUint(first, 10, 32)
		count, err2 := strconv.ParseUint(second, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("line %.80q: two numbers of 32 bits were expected", line)
		}
		if len(ranges) == MaxRanges {
			return nil, fmt.Errorf("over %d ranges", MaxRanges)
		}
		if count > 0 {
			ranges = append(ranges, SubRange{uint32(start), uint32(count)})
		}
	}
	return ranges, nil
}
