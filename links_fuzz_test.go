package cstor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cstor-go/cstor"
)

// link ids of the store of linkStore.
var (
	linkA, linkB, linkTop = strings.Repeat("A", 26), strings.Repeat("B", 26), strings.Repeat("T", 26)
	linkDangling          = strings.Repeat("D", 26) // a link to a layer that is not there
	linkOnly              = strings.Repeat("O", 26) // of layer c, which has a link file alone
	linkOutside           = strings.Repeat("X", 26) // a link out of the store
	linkFuzzed            = strings.Repeat("Z", 26)
)

// linkStore makes a store of layers without content: top, and a, b, c that it may
// name as those below.
func linkStore(f *testing.F) (root string) {
	f.Helper()
	root = f.TempDir()
	var records []string
	for id, link := range map[string]string{"top": linkTop, "a": linkA, "b": linkB, "c": linkOnly} {
		records = append(records, fmt.Sprintf(`{"id":%q}`, id))
		check(f, os.MkdirAll(filepath.Join(root, "overlay", id, "diff"), 0o755))
		write(f, filepath.Join(root, "overlay", id, "link"), link)
	}
	for link, target := range map[string]string{
		linkTop: "../top/diff", linkA: "../a/diff", linkB: "../b/diff", linkDangling: "../gone/diff", linkOutside: "../../../etc/diff",
	} {
		check(f, os.MkdirAll(filepath.Join(root, "overlay/l"), 0o755))
		check(f, os.Symlink(target, filepath.Join(root, "overlay/l", link)))
	}
	check(f, os.MkdirAll(filepath.Join(root, "overlay-layers"), 0o755))
	write(f, filepath.Join(root, "overlay-layers/layers.json"), "["+strings.Join(records, ",")+"]")
	return root
}

// FuzzLower: what the files lower-layers and lower of a layer say is what a plain
// reading of them gives, names no path, and, written anew in either form, is the
// same.
func FuzzLower(f *testing.F) {
	root := linkStore(f)
	for _, list := range [][]string{nil, {linkA}, {linkA, linkB}, {linkB, linkA, linkB}, {linkOnly}, {linkDangling}, {linkOutside}, {linkA, linkDangling}} {
		text := strings.Join(list, ":l/")
		if text != "" {
			text = "l/" + text
		}
		f.Add(text, "")
	}
	for _, text := range []string{
		"l/" + linkA + "\n", ":l/" + linkA, "l/" + linkA + ":", linkA, "l/../l/" + linkA, "l/" + strings.ToLower(linkA), "/" + root + "/overlay/l/" + linkA,
		"l/" + linkA + "A", "l/" + linkA[:25], "l/..", "l/" + linkA + ":l/" + linkB + "\x00", strings.Repeat("l/"+linkA+":", 500) + "l/" + linkB, strings.Repeat("l/"+linkA+":", 499) + "l/" + linkB,
	} {
		f.Add(text, "")
	}
	for _, text := range []string{"a", "a:b:c", "gone", "a:", ":", " \n", "a\n", "a:..", "../../etc", "a/b", "a\x00b", "l", strings.Repeat("x", 256), strings.Repeat("a:", 500) + "b"} {
		f.Add("l/"+linkA, text)
	}
	s, err := cstor.Open(f.Context(), root, cstor.Options{})
	check(f, err)
	defer s.Close()
	top, err := s.Layer("top")
	check(f, err)
	links := map[string]string{"a": linkA, "b": linkB, "c": linkOnly, "top": linkTop}
	f.Fuzz(func(t *testing.T, lower, lowerLayers string) {
		ask := func(lower, lowerLayers string) ([]string, error) {
			write(t, filepath.Join(root, "overlay/top/lower"), lower)
			write(t, filepath.Join(root, "overlay/top/lower-layers"), lowerLayers)
			return top.LowerIDs()
		}
		got, err := ask(lower, lowerLayers)
		want, ok := plainLower(lower, lowerLayers, links)
		if !slices.Equal(got, want) || ok != (err == nil) {
			t.Fatalf("%.200q, %.200q: %q, %v; want %q", lower, lowerLayers, got, err, want)
		}
		if err != nil {
			if !errors.Is(err, cstor.ErrDamaged) {
				t.Errorf("error %v", err)
			}
			return
		}
		var asLinks []string
		for _, id := range got {
			if filepath.Join("/overlay", id) != "/overlay/"+id || strings.Contains(id, "/") || len(id) > 255 {
				t.Errorf("id %q", id)
			}
			if link, ok := links[id]; ok {
				asLinks = append(asLinks, "l/"+link)
			}
		}
		if again, err := ask("", strings.Join(got, ":")); err != nil || !slices.Equal(again, got) {
			t.Errorf("written as lower-layers: %q, then %q, %v", got, again, err)
		}
		if len(asLinks) < len(got) {
			return // layers that are not there
		}
		if again, err := ask(strings.Join(asLinks, ":"), ""); err != nil || !slices.Equal(again, got) {
			t.Errorf("written as lower: %q, then %q, %v", got, again, err)
		}
	})
}

var lowerText = regexp.MustCompile(`^l/[A-Z2-7]{26}(:l/[A-Z2-7]{26})*$`)

// plainLower reads the two files, given which layer has which link.
func plainLower(lower, lowerLayers string, links map[string]string) (ids []string, ok bool) {
	lower, lowerLayers = strings.TrimRight(lower, " \t\r\n"), strings.TrimRight(lowerLayers, " \t\r\n")
	switch {
	case lowerLayers != "":
		for id := range strings.SplitSeq(lowerLayers, ":") {
			if id == "" || id == "." || id == ".." || strings.Contains(id, "/") || strings.Contains(id, "\x00") || len(id) > 255 {
				return nil, false
			}
			ids = append(ids, id)
		}
	case lower == "":
		return nil, true
	case !lowerText.MatchString(lower):
		return nil, false
	default:
		for link := range strings.SplitSeq(lower, ":") {
			known := false
			for id, have := range links {
				if "l/"+have == link {
					ids, known = append(ids, id), true
				}
			}
			if !known {
				return nil, false
			}
		}
	}
	if len(ids) > cstor.MaxChain {
		return nil, false
	}
	return ids, true
}

// FuzzLinkFiles: a link id leads to a layer of the store, through its link if that
// has the form "../ID/diff" and the layer is there, else through the layer's own
// link file, and never anywhere else; and back, as the writers write them.
func FuzzLinkFiles(f *testing.F) {
	root := linkStore(f)
	for _, target := range []string{
		"../a/diff", "../gone/diff", "../l/diff", "../../diff", ".././diff", "../a//diff", "../a/diff/", "/a/diff", "a/diff", "../a/merged", "../../../../etc/diff", "..", "../../diff/diff",
		"../../overlay/a/diff", "../a\x01/diff", "../" + strings.Repeat("x", 256) + "/diff", "../" + linkFuzzed + "/diff",
	} {
		f.Add(target, "")
		f.Add(target, linkFuzzed)
	}
	f.Add("", linkFuzzed+"\n")
	f.Add("x", linkFuzzed+" x")
	f.Add("x", linkFuzzed[1:])
	const other = "../c/diff"
	f.Fuzz(func(t *testing.T, target, linkFile string) {
		link := filepath.Join(root, "overlay/l", linkFuzzed)
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if target != "" && os.Symlink(target, link) != nil {
			return // no target of a link
		}
		write(t, filepath.Join(root, "overlay/c/link"), linkFile)
		s, err := cstor.Open(t.Context(), root, cstor.Options{})
		check(t, err)
		defer s.Close()
		want := ""
		if id, ok := strings.CutPrefix(target, "../"); ok {
			id, ok = strings.CutSuffix(id, "/diff")
			if _, err := os.Stat(filepath.Join(root, "overlay", id)); ok && err == nil && !slices.Contains([]string{"", ".", ".."}, id) && !strings.Contains(id, "/") {
				want = id
			}
		}
		if want == "" && strings.TrimRight(linkFile, " \t\r\n") == linkFuzzed {
			want = "c"
		}
		for _, ref := range []string{linkFuzzed, "l/" + linkFuzzed} {
			got, err := s.ResolveLink(ref)
			if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, cstor.ErrNotFound) {
				t.Errorf("%q -> %q, link file %q: %q, %v; want %q", ref, target, linkFile, got, err, want)
			}
		}
		c, err := s.Layer("c")
		check(t, err)
		switch got, err := c.Link(); {
		case err == nil && !lowerText.MatchString("l/"+got), err != nil && !errors.Is(err, cstor.ErrDamaged):
			t.Errorf("link file %q: %q, %v", linkFile, got, err)
		case err == nil: // as its writer makes the link
			_ = os.Remove(link)
			link = filepath.Join(root, "overlay/l", got)
			check(t, errors.Join(os.RemoveAll(link), os.Symlink(other, link)))
			if id, err := s.ResolveLink(got); id != "c" || err != nil {
				t.Errorf("link %s of layer c leads to %q, %v", got, id, err)
			}
			check(t, os.Remove(link))
		}
	})
}
