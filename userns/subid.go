package userns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cstor-go/cstor/internal/idmap"
)

// maxSubids is how long a list of subordinate ids may be, in bytes: some 600,000
// users.
const maxSubids = 16 << 20

// readSubids returns the ranges that a list, /etc/subuid or /etc/subgid, has for a
// user, in its order; none if there is no list.
func readSubids(path string, who account) ([]idmap.SubRange, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := io.ReadAll(io.LimitReader(f, maxSubids+1))
	if err == nil && len(list) > maxSubids {
		err = fmt.Errorf("over %d bytes", maxSubids)
	}
	var ranges []idmap.SubRange
	if err == nil {
		ranges, err = idmap.Subordinate(list, who.uid, who.name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
