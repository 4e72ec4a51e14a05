package storetest

import (
	"archive/tar"
	"fmt"
	"os"
	"strings"
)

// Parse reads the spec language. A line is a verb and words; words are
// separated by blanks; a Go string literal may stand for any word or a part of
// one ("caf\xe9", user.k="a b"); # begins a comment. Sizes take K, M, G.
//
//	layer NAME [parent=NAME] [format=pax|gnu|ustar] [compression=none|bzip2|gzip|xz|zstd]
//	      [id=HEX] [names=A,B] [mapped=NAME] [tar=FILE] [tail=TEXT] [no-end] [chunked] [flat]
//	      [by-toc] [container] [volatile] [incomplete] [no-tar-split]
//
// begins a layer. The next lines are its entries, in tar order; options stand
// in any order, and NAME is the name in the tar ("./etc", "/etc" too):
//
//	dir      NAME [MODE] [UID:GID] [OPTION…]
//	file     NAME [MODE] [UID:GID] ["CONTENT" | size=N [seed=N] | zeros=N] [OPTION…]
//	symlink  NAME TARGET [UID:GID] [OPTION…]
//	hardlink NAME TARGET [MODE] [UID:GID] [OPTION…]
//	fifo     NAME [MODE] [UID:GID] [OPTION…]
//	char     NAME [MODE] MAJOR MINOR [UID:GID] [OPTION…]     likewise block
//	whiteout NAME
//	opaque   DIR
//	xattr    NAME KEY=VALUE…      of an entry above
//	global   KEY=VALUE…           a PAX global header
//
// OPTION is mtime=RFC3339 or mtime=SECONDS, uname=, gname=, or size=N to claim
// a size for an entry that has no content. A mode has a leading zero.
//
//	image NAME[,NAME…] [layer=NAME] [as=HANDLE] [format=oci|docker] [platform=OS/ARCH[/VARIANT]]
//	      [mapped=LAYER,…] [label=K=V]… [env=K=V]… [cmd=WORD,…]
//	index NAME instances=IMAGE,… [format=oci|docker] [in=IMAGE]
//	container NAME [image=IMAGE] [layer=NAME] [volatile]
//	break FAULT ARG…              see ParseFault
//
// The name "-" makes an image without names. The fields of [Layer], [Image],
// [Index] and [Container] say what the options mean. Errors name the line.
func Parse(text string) (Spec, error) {
	var p parser
	n := 0
	for line := range strings.Lines(text) {
		n++
		ws, err := words(strings.TrimSuffix(line, "\n"))
		if err == nil && len(ws) > 0 {
			err = p.line(ws[0].text, ws[1:])
		}
		if err != nil {
			return Spec{}, fmt.Errorf("spec line %d: %w", n, err)
		}
	}
	return p.spec, nil
}

type parser struct{ spec Spec }

func (p *parser) line(verb string, args []word) error {
	if len(args) == 0 {
		return fmt.Errorf("%s: name is missing", verb)
	}
	switch verb {
	case "layer":
		return p.layer(args)
	case "image":
		return p.image(args)
	case "index":
		return p.index(args)
	case "container":
		return p.container(args)
	case "break":
		texts := make([]string, len(args))
		for i, a := range args {
			texts[i] = a.text
		}
		f, err := ParseFault(texts[0], texts[1:]...)
		p.spec.Faults = append(p.spec.Faults, f)
		return err
	}
	if len(p.spec.Layers) == 0 {
		return fmt.Errorf("%s: outside of a layer", verb)
	}
	l := &p.spec.Layers[len(p.spec.Layers)-1]
	if verb == "xattr" {
		return addXattrs(l, args)
	}
	e, err := parseEntry(verb, args)
	l.Entries = append(l.Entries, e)
	return err
}

// options calls set for each option; a word without = has the value "".
func options(args []word, set func(key, value string) bool) error {
	for _, a := range args {
		key, value, _ := strings.Cut(a.text, "=")
		if !set(key, value) {
			return fmt.Errorf("unknown option %q", a.text)
		}
	}
	return nil
}

func (p *parser) layer(args []word) error {
	l := Layer{Name: args[0].text}
	flags := map[string]*bool{
		"no-end": &l.NoEnd, "chunked": &l.Chunked, "flat": &l.Flat, "by-toc": &l.ByTOC, "container": &l.Container,
		"volatile": &l.Volatile, "incomplete": &l.Incomplete, "no-tar-split": &l.NoTarSplit,
	}
	texts := map[string]*string{
		"parent": &l.Parent, "id": &l.ID, "mapped": &l.Mapped, "tail": &l.Tail, "compression": &l.Compression,
	}
	formats := map[string]tar.Format{"pax": tar.FormatPAX, "gnu": tar.FormatGNU, "ustar": tar.FormatUSTAR}
	var failed error
	err := options(args[1:], func(key, value string) bool {
		if f := flags[key]; f != nil {
			*f = true
			return value == ""
		}
		if t := texts[key]; t != nil {
			*t = value
			return true
		}
		switch key {
		case "names":
			l.Names = list(value)
		case "format":
			l.Format = formats[value]
			return l.Format != 0
		case "tar":
			l.Tar, failed = os.ReadFile(value)
		default:
			return false
		}
		return true
	})
	p.spec.Layers = append(p.spec.Layers, l)
	if err == nil {
		err = failed
	}
	return err
}

func (p *parser) image(args []word) error {
	img := Image{Names: list(args[0].text), Labels: map[string]string{}}
	err := options(args[1:], func(key, value string) bool {
		switch key {
		case "as":
			img.As = value
		case "layer":
			img.Layer = value
		case "mapped":
			img.Mapped = list(value)
		case "format":
			img.Format = value
			return value == "oci" || value == "docker"
		case "platform":
			img.Platform = value
		case "label":
			k, v, _ := strings.Cut(value, "=")
			img.Labels[k] = v
		case "env":
			img.Env = append(img.Env, value)
		case "cmd":
			img.Cmd = list(value)
		default:
			return false
		}
		return true
	})
	p.spec.Images = append(p.spec.Images, img)
	return err
}

func (p *parser) index(args []word) error {
	x := Index{Name: args[0].text}
	err := options(args[1:], func(key, value string) bool {
		switch key {
		case "instances":
			x.Instances = list(value)
		case "format":
			x.Format = value
			return value == "oci" || value == "docker"
		case "in":
			x.In = value
		default:
			return false
		}
		return true
	})
	p.spec.Indexes = append(p.spec.Indexes, x)
	return err
}

func (p *parser) container(args []word) error {
	c := Container{Name: args[0].text}
	err := options(args[1:], func(key, value string) bool {
		switch key {
		case "image":
			c.Image = value
		case "layer":
			c.Layer = value
		case "volatile":
			c.Volatile = true
		default:
			return false
		}
		return true
	})
	p.spec.Containers = append(p.spec.Containers, c)
	return err
}
