// Package registry runs the registry of the distribution project, as Debian packages it
// (docker-registry), on the loopback interface, and tells what it was asked.
//
//	r, err := registry.Start(dir, registry.Options{Users: map[string]string{"me": "secret"}})
//	defer r.Stop()
//	n := r.Count("PUT", "/v2/app/blobs/uploads/")
package registry
