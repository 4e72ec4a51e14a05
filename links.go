package cstor

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cstor-go/cstor/driver"
	"github.com/cstor-go/cstor/internal/ondisk"
)

// The overlay driver gives each layer a short name, because mount options have
// little room: overlay/l/LINK is a symbolic link to ../ID/diff, overlay/ID/link
// holds LINK, and overlay/ID/lower lists the layers below as "l/LINK:l/LINK…",
// nearest first, complete. Newer writers add overlay/ID/lower-layers, the same as
// ids (container-libs storage/drivers/overlay/overlay.go:create,getLowerLayerIDs).
// The records' parents say the same and are what cstor goes by.

var linkID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

func isLink(s string) bool { return linkID.MatchString(s) }

// ResolveLink returns the id of the layer that a link id stands for. The link may
// be in any store; a dangling one does not end the search, and one that is missing,
// as old versions leave it, is found by the layers' own link files. If no store has
// it, the error matches [ErrNotFound].
func (s *Storage) ResolveLink(link string) (layerID string, err error) {
	link = strings.TrimPrefix(link, "l/")
	return search(s, func(snap *snapshot) (string, error) { return snap.resolveLink(link) })
}

func (s *snapshot) resolveLink(link string) (string, error) {
	if !isLink(link) {
		return "", notFoundError("link", link)
	}
	for _, p := range s.places {
		if id, err := p.readLink(link); err == nil && p.has("overlay/"+id) {
			return id, nil
		}
	}
	links, err := s.links.get(s.linkFiles)
	if err != nil {
		return "", err
	}
	if id, ok := links[link]; ok {
		return id, nil
	}
	return "", notFoundError("link", link)
}

// linkFiles reads the link files of all layers.
func (s *snapshot) linkFiles() (map[string]string, error) {
	x, err := s.layerIndex()
	if err != nil {
		return nil, err
	}
	links := make(map[string]string)
	for _, l := range x.all {
		if link, err := l.link(); err == nil {
			links[link] = l.rec.ID
		}
	}
	return links, nil
}

// readLink takes the layer's id out of a link's target, and nothing else of it: the
// link itself is never followed.
func (p *place) readLink(link string) (string, error) {
	target, err := p.root.Readlink("overlay/l/" + link)
	if err != nil {
		return "", err
	}
	parts := strings.Split(target, "/")
	if len(parts) != 3 || parts[0] != ".." || parts[2] != "diff" {
		return "", fmt.Errorf("link %s: unexpected target %q", link, target)
	}
	return parts[1], ondisk.CheckID(parts[1])
}

// treePlace is the store that holds the layer's tree: in a split store it may be
// the other half. What cannot be looked at is no damage: root's stores are closed to
// others here, not above, where the records are.
func (l *Layer) treePlace() (*place, error) {
	tree := "overlay/" + l.rec.ID
	if l.place.driver == "vfs" {
		tree = "vfs/dir/" + l.rec.ID
	}
	var failed error
	for _, p := range l.place.halves() {
		switch st, err := p.root.Lstat(tree); {
		case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
			return p, nil
		case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		default:
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	return nil, fmt.Errorf("%w: there is no %s", ErrDamaged, tree)
}

// Link is the layer's link id. Layers of drivers other than overlay have none: the
// error then matches [ErrUnsupported].
func (l *Layer) Link() (string, error) {
	link, err := l.link()
	return link, l.fail(err)
}

func (l *Layer) link() (string, error) {
	if l.place.driver != "overlay" {
		return "", fmt.Errorf("driver %s has no links: %w", l.place.driver, ErrUnsupported)
	}
	link, err := l.smallItem("link")
	if err != nil {
		return "", damaged(err)
	}
	if !isLink(link) {
		return "", fmt.Errorf("%w: link file holds %.40q", ErrDamaged, link)
	}
	return link, nil
}

// smallItem is the text of a file that the driver writes in one piece, without the
// white space that may end it.
func (l *Layer) smallItem(name string) (string, error) {
	item, err := l.item(name)
	if err == nil && item.Type != 0 {
		err = &fs.PathError{Op: "open", Path: "overlay/" + l.rec.ID + "/" + name, Err: driver.ErrNotRegular}
	}
	return strings.TrimRight(item.Text, " \t\r\n"), err
}

// LowerIDs are the ids of the layers below according to the driver's own files,
// nearest first: lower-layers, else lower with its links resolved. None in a base
// layer and for drivers other than overlay. It is the parents that count;
// [Layer.CheckLower] compares.
func (l *Layer) LowerIDs() ([]string, error) {
	ids, err := l.lowerIDs()
	return ids, l.fail(err)
}

func (l *Layer) lowerIDs() ([]string, error) {
	if l.place.driver != "overlay" {
		return nil, nil
	}
	if text, err := l.smallItem("lower-layers"); err == nil && text != "" {
		ids := strings.Split(text, ":")
		if err := tooLong(ids); err != nil {
			return nil, err
		}
		for _, id := range ids {
			if err := ondisk.CheckID(id); err != nil {
				return nil, fmt.Errorf("%w: lower-layers: %w", ErrDamaged, err)
			}
		}
		return ids, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err := l.smallItem("lower")
	if errors.Is(err, fs.ErrNotExist) || (err == nil && text == "") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	links := strings.Split(text, ":")
	if err := tooLong(links); err != nil {
		return nil, err
	}
	ids := make([]string, len(links))
	for n, link := range links {
		name, ok := strings.CutPrefix(link, "l/")
		if !ok || !isLink(name) {
			return nil, fmt.Errorf("%w: lower: %.80q is not a link", ErrDamaged, link)
		}
		if ids[n], err = l.snap.resolveLink(name); err != nil {
			return nil, fmt.Errorf("%w: lower: no store has link %s", ErrDamaged, link)
		}
	}
	return ids, nil
}

func tooLong(list []string) error {
	if len(list) > MaxChain {
		return fmt.Errorf("%w: %d lower layers", ErrDamaged, len(list))
	}
	return nil
}

// CheckLower compares the driver's list of lower layers with the chain of parents,
// and the layer's link file with the link of that name. A difference is a
// [*MismatchError], and means that mounting the image gives something other than
// what the records say.
func (l *Layer) CheckLower() error {
	if l.place.driver != "overlay" {
		return nil
	}
	chain, err := l.Chain()
	if err != nil {
		return err
	}
	have, err := l.lowerIDs()
	if err != nil {
		return l.fail(err)
	}
	var want []string
	for _, below := range slices.Backward(chain[:len(chain)-1]) {
		want = append(want, below.rec.ID)
	}
	// A layer copied for other owners lies over the one that it was copied from,
	// which is in no chain of parents (storage/store.go:imageTopLayerForMapping).
	if l.mapped() || slices.ContainsFunc(chain, (*Layer).mapped) {
		have = slices.DeleteFunc(have, func(id string) bool { return !slices.Contains(want, id) })
	}
	if !slices.Equal(have, want) {
		return l.fail(&MismatchError{What: "layers below", Want: strings.Join(want, " "), Got: strings.Join(have, " ")})
	}
	link, err := l.link()
	if err != nil {
		return l.fail(err)
	}
	p, err := l.treePlace()
	if err != nil {
		return l.fail(err)
	}
	switch id, err := p.readLink(link); {
	case err != nil:
		return l.fail(damaged(err))
	case id != l.rec.ID:
		return l.fail(&MismatchError{What: "link " + link, Want: l.rec.ID, Got: id})
	}
	return nil
}

// mapped reports whether the layer records id maps.
func (l *Layer) mapped() bool { return len(l.rec.UIDMap)+len(l.rec.GIDMap) > 0 }
