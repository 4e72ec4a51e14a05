package ocicopy

import (
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/cstor-go/cstor"
	"github.com/cstor-go/cstor/ocisource"
)

// Image is one image to copy.
type Image struct {
	Image *cstor.Image
	// Ref is what it is called at the destination; "" is its first stored name, or none
	// if it has no name. What a Ref may be is the destination's to say.
	Ref string
}

// ref is what the image is called at the destination.
func (i Image) ref() string {
	if names := i.Image.Names(); i.Ref == "" && len(names) > 0 {
		return names[0]
	}
	return i.Ref
}

// Options of [Copy]. The zero value is ready to use.
type Options struct {
	// Source says how layers are compressed, what the manifests are like, which platform
	// is taken of lists, and where layers are kept meanwhile if the destination cannot take
	// them as they come. Archives keep there each layer whose size is not known yet, and
	// without a Spool, beside the archive; one that is no regular file, in the usual place.
	Source ocisource.Options
	// Parallel is how many layers are copied at a time; 0 is one a core, from 2 to 6, and 2
	// if they are compressed, by all cores. Each takes up to 10 MiB of memory; compressed,
	// up to 60 MiB where there are many cores.
	Parallel int
	// Sync waits for the disk before a blob or an archive gets its name, so that a power
	// failure leaves nothing wrong either. The index of a layout always waits.
	Sync bool
	// Progress, if not nil, is told what happens, by several goroutines at a time.
	Progress func(Event)
}

// Step is what happens to a layer.
type Step int

// Steps, in the order in which they come; Moved any number of times.
const (
	Started Step = iota // Bytes is the length of the uncompressed layer; -1 if unknown
	Moved               // Bytes more have been read; fewer, if it has to begin again
	Done                // Descriptor is the blob's; it was written, or was Reused
)

// Event is one step of a layer. A layer that several images have is copied once, as a
// layer of the first; so is one that an image has several times. Of layers that are given
// up because of an error, no more steps come.
type Event struct {
	Step       Step
	Image      int              // among the images
	Layer      *ocisource.Layer // the same in all events of a layer
	Bytes      int64
	Descriptor v1.Descriptor
	Reused     bool
}

// Report says what was copied.
type Report struct {
	Images []Copied // one for each image, in their order
	// Layers were written or reused, each once: Reused is how many were there.
	Layers, Reused int
	// Written is the length in bytes of the layers' blobs that were written.
	Written int64
}

// Copied is one image at its destination.
type Copied struct {
	// Descriptor is the manifest's, without annotations.
	Descriptor v1.Descriptor
	Ref        string // what it is called there; "" if it has no name
	// Image is that of the store: an instance, if a list was to be copied.
	Image *cstor.Image
}
