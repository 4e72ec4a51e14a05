package cstor

import (
	"fmt"
	"strings"
)

// Transport is the name under which skopeo and podman know stored images.
const Transport = "containers-storage:"

// Reference is an image as the containers-storage transport spells it:
//
//	containers-storage:[DRIVER@GRAPHROOT+RUNROOT:OPTIONS]NAME
//
// in which the bracket, its driver, run root and options may be missing
// (container-libs image/storage/storage_transport.go:ParseReference).
type Reference struct {
	// Transport: the text began with "containers-storage:". NAME then follows the
	// transport's rules: see [Storage.Image].
	Transport bool
	// Driver, GraphRoot, RunRoot and Options are those of the bracket, which names
	// a store. GraphRoot is empty without one, and for the store that is configured.
	Driver, GraphRoot, RunRoot string
	Options                    []string
	// Name of the image.
	Name string
}

// ParseReference reads a reference to an image, with or without its transport. It
// checks the bracket, not the name.
func ParseReference(text string) (Reference, error) {
	r := Reference{Name: text}
	rest, ok := strings.CutPrefix(text, Transport)
	if !ok {
		return r, nil
	}
	r.Transport, r.Name = true, rest
	if strings.HasPrefix(rest, "[") {
		spec, name, ok := strings.Cut(rest[1:], "]")
		if !ok {
			return r, fmt.Errorf("reference %q: the bracket is not closed", text)
		}
		r.Name = name
		driver, roots, ok := strings.Cut(spec, "@")
		if ok {
			r.Driver, spec = driver, roots
		}
		if spec == "" || ok && driver == "" {
			return r, fmt.Errorf("reference %q: [DRIVER@GRAPHROOT+RUNROOT] was expected", text)
		}
		spec, options, _ := strings.Cut(spec, ":")
		if options != "" {
			r.Options = strings.Split(options, ",")
		}
		r.GraphRoot, r.RunRoot, _ = strings.Cut(spec, "+")
		for _, root := range []string{r.GraphRoot, r.RunRoot} {
			if root != "" && root[0] != '/' {
				return r, fmt.Errorf("reference %q: %q is not an absolute path", text, root)
			}
		}
	}
	if r.Name == "" {
		return r, fmt.Errorf("reference %q: it names no image", text)
	}
	return r, nil
}
