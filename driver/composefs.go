package driver

import (
	_ "crypto/sha256" // for go-digest
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/internal/beneath"
	"github.com/cstor-go/cstor/toc"
)

// Composefs is a flat layer: its diff folder holds regular files only, each named
// by the SHA-256 of its content (diff/ab/cdef…), and their names, metadata and all
// other nodes are in the table of contents that the layer keeps as big data
// (container-libs storage/pkg/chunked/storage_linux.go:makeEntriesFlat,
// internal/path/path.go). The EROFS image beside it, made from the same table, is
// neither needed nor read. It is safe for concurrent use.
type Composefs struct {
	objects *beneath.Dir
	nodes   map[string]*flatNode // by cleaned name, "/" for the root
}

type flatNode struct {
	Node
	digest   digest.Digest
	hardlink string // cleaned name of the entry that this one repeats
	children []DirEntry
}

var _ Files = (*Composefs)(nil)

// OpenComposefs opens the layer that lies in folder layer (overlay/ID of a store),
// whose table of contents is table. The caller closes the result; layer and table
// are not needed any longer. Memory grows with the table, by about 500 bytes an
// entry.
func OpenComposefs(layer *beneath.Dir, table io.Reader) (*Composefs, error) {
	c := &Composefs{nodes: make(map[string]*flatNode)}
	c.directory("/")
	if err := c.index(toc.Decode(table, toc.DecodeOptions{})); err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		slices.SortFunc(n.children, func(a, b DirEntry) int { return strings.Compare(a.Name, b.Name) })
	}
	var err error
	c.objects, err = layer.Dir("diff", beneath.NoLinks)
	return c, err
}

// Close releases the layer's descriptor; files that were opened stay valid.
func (c *Composefs) Close() error { return c.objects.Close() }

func (c *Composefs) index(entries iter.Seq2[*toc.Entry, error]) error {
	for e, err := range entries {
		if err != nil {
			return err
		}
		if e.Type == toc.TypeChunk {
			continue
		}
		n, err := flatNodeOf(e)
		if err != nil {
			return fmt.Errorf("table of contents: entry %q: %w", e.Name, err)
		}
		if err := c.add(path.Clean("/"+e.Name), n); err != nil {
			return fmt.Errorf("table of contents: entry %q: %w", e.Name, err)
		}
	}
	return nil
}

// resolve follows links in the middle of a cleaned name, as unpacking the layer
// would have: inside the layer, among the entries so far.
func (c *Composefs) resolve(name string) (string, error) {
	links := 0
	for at := 1; ; {
		next := strings.IndexByte(name[at:], '/')
		if next < 0 {
			return name, nil
		}
		at += next
		if n := c.nodes[name[:at]]; n != nil && n.Mode.Type() == fs.ModeSymlink {
			if links++; links > 40 { // as many as the kernel
				return "", syscall.ELOOP
			}
			target := n.Link
			if !path.IsAbs(target) {
				target = path.Dir(name[:at]) + "/" + target
			}
			if len(target) > 4096 {
				return "", syscall.ENAMETOOLONG
			}
			name, at = path.Clean(target+name[at:]), 0
		}
		at++
	}
}

// add puts a node under its parent, making directories that no entry names.
func (c *Composefs) add(name string, n *flatNode) error {
	name, err := c.resolve(name)
	if err != nil {
		return err
	}
	if strings.Count(name, "/") > maxDepth {
		return errors.New("nested too deeply")
	}
	if len(c.nodes) > maxNodes {
		return fmt.Errorf("more than %d names: %w", maxNodes, toc.ErrLimit)
	}
	if have := c.nodes[name]; have != nil {
		if have.Mode.IsDir() != n.Mode.IsDir() {
			return errors.New("a directory and something else at once")
		}
		n.children, n.Opaque = have.children, have.Opaque // an implied directory's own entry
		*have = *n
		return nil
	}
	c.nodes[name] = n
	dir, base := path.Split(name)
	parent := c.directory(path.Clean(dir))
	if parent == nil {
		return errors.New("its parent is not a directory")
	}
	parent.children = append(parent.children, DirEntry{Name: base, Type: n.Mode.Type()})
	if base == opaqueFile {
		parent.Opaque = OpaqueYes
	} else {
		// Flat layers keep a deletion as the tar has it, a ".wh." file.
		n.Hides = hiddenByFile(base, &n.Node)
	}
	return nil
}

const (
	maxDepth = 4096 / 2 // PATH_MAX over the shortest component
	maxNodes = 4 << 20  // also counts directories that no entry names
)

// directory returns the node of a directory; nil if the name is something else.
func (c *Composefs) directory(name string) *flatNode {
	if n := c.nodes[name]; n != nil {
		if !n.Mode.IsDir() {
			return nil
		}
		return n
	}
	// mkcomposefs gives directories that no entry names mode 0755.
	n := &flatNode{Node: Node{Mode: fs.ModeDir | 0o755}}
	c.nodes[name] = n
	if name != "/" {
		parent := c.directory(path.Dir(name))
		if parent == nil {
			return nil
		}
		parent.children = append(parent.children, DirEntry{Name: path.Base(name), Type: fs.ModeDir})
	}
	return n
}

// find resolves hard links, which may repeat one another.
func (c *Composefs) find(op, name string) (*flatNode, error) {
	at := path.Clean("/" + name)
	for range 16 {
		var err error
		if at, err = c.resolve(at); err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
		n := c.nodes[at]
		if n == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		if n.hardlink == "" {
			return n, nil
		}
		at = n.hardlink
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ELOOP}
}

// OpenFile implements [Files].
func (c *Composefs) OpenFile(name string) (*os.File, error) {
	n, err := c.find("open", name)
	if err != nil {
		return nil, err
	}
	if !n.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: beneath.ErrNotRegular}
	}
	sum := n.digest.Encoded()
	f, err := c.objects.File(sum[:2] + "/" + sum[2:])
	if errors.Is(err, fs.ErrNotExist) { // promised by the table: damage, not absence
		err = &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: %s", ErrObject, n.digest)}
	}
	return f, err
}

// Lstat implements [Files].
func (c *Composefs) Lstat(name string) (*Node, error) {
	n, err := c.find("lstat", name)
	if err != nil {
		return nil, err
	}
	node := n.Node
	return &node, nil
}

// ReadDir implements [Files].
func (c *Composefs) ReadDir(name string) ([]DirEntry, error) {
	n, err := c.find("readdir", name)
	if err == nil && !n.Mode.IsDir() {
		err = &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(n.children), nil
}

func flatNodeOf(e *toc.Entry) (*flatNode, error) {
	n := &flatNode{
		Node: Node{UID: e.UID, GID: e.GID, Size: e.Size, ModTime: e.ModTime, DevMajor: uint32(e.DevMajor), DevMinor: uint32(e.DevMinor)},
	}
	switch e.Type {
	case toc.TypeReg:
		if n.digest = e.Digest; e.Digest == "" {
			n.digest = digest.SHA256.FromBytes(nil)
		}
		if err := n.digest.Validate(); err != nil || n.digest.Algorithm() != digest.SHA256 {
			return nil, fmt.Errorf("%w: digest %q", ErrObject, e.Digest)
		}
	case toc.TypeDir:
		n.Mode = fs.ModeDir
	case toc.TypeSymlink:
		n.Mode, n.Link, n.Size = fs.ModeSymlink, e.LinkName, int64(len(e.LinkName))
	case toc.TypeHardlink:
		n.hardlink = path.Clean("/" + e.LinkName)
	case toc.TypeChar:
		n.Mode = fs.ModeDevice | fs.ModeCharDevice
	case toc.TypeBlock:
		n.Mode = fs.ModeDevice
	case toc.TypeFifo:
		n.Mode = fs.ModeNamedPipe
	default:
		return nil, fmt.Errorf("unknown type %q", e.Type)
	}
	if n.Size < 0 {
		return nil, fmt.Errorf("negative size %d", n.Size)
	}
	n.Mode |= permissions(uint32(e.Mode & 0o7777)) // zstd:chunked adds type bits
	for k, v := range e.Xattrs {
		if n.Xattrs == nil {
			n.Xattrs = make(map[string]string)
		}
		n.Xattrs[k] = string(v)
	}
	return n, nil
}
