package userns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// subRange is count ids from start on.
type subRange struct{ start, count uint32 }

func (r subRange) String() string { return fmt.Sprintf("%d:%d", r.start, r.count) }

// maxSubids is how long a list of subordinate ids may be, in bytes: some 600,000
// users.
const maxSubids = 16 << 20

// readSubids returns the ranges that a list, /etc/subuid or /etc/subgid, has for a
// user, in its order; none if there is no list.
func readSubids(path string, who account) ([]subRange, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ranges, err := parseSubids(f, who)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ranges, nil
}

// parseSubids reads lines "NAME:START:COUNT", in which NAME is a user's name or the
// number of his id (subuid(5)). What is wrong in others' lines is not this user's
// concern.
func parseSubids(r io.Reader, who account) ([]subRange, error) {
	var ranges []subRange
	limited := &io.LimitedReader{R: r, N: maxSubids + 1}
	scanner := bufio.NewScanner(limited)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		name, rest, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.HasPrefix(name, "#") || name != who.name && name != strconv.FormatUint(uint64(who.uid), 10) {
			continue
		}
		first, second, _ := strings.Cut(rest, ":")
		start, err1 := strconv.ParseUint(first, 10, 32)
		count, err2 := strconv.ParseUint(second, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("line %q: two numbers of 32 bits were expected", line)
		}
		if len(ranges) == maxRanges {
			return nil, fmt.Errorf("over %d ranges", maxRanges)
		}
		if count > 0 {
			ranges = append(ranges, subRange{uint32(start), uint32(count)})
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("over %d bytes", maxSubids)
	}
	return ranges, nil
}

// subidsElsewhere reports whether /etc/nsswitch.conf names a source of subordinate
// ids other than these lists, such as sss (nsswitch.conf(5) of shadow-utils; only the
// first word counts, shadow lib/nss.c:nss_init).
func subidsElsewhere(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	scanner := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for scanner.Scan() {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		if sources, ok := strings.CutPrefix(strings.TrimSpace(line), "subid:"); ok {
			words := strings.Fields(sources)
			return len(words) > 0 && words[0] != "files"
		}
	}
	return false
}
