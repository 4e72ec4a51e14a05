// Package ocicopy copies stored images to where other tools read them: OCI layouts, OCI
// archives and docker archives, and, by whoever implements [Destination], elsewhere.
//
//	report, err := ocicopy.Copy(ctx, []ocicopy.Image{{Image: image}}, ocicopy.Layout{Dir: "out"}, ocicopy.Options{})
//
// Layers are copied several at a time, in a constant amount of memory each. Everything is
// checked as it is written: a layer against its diff id, and what is there already against
// its digest. Nothing appears under its name before it is complete and has been checked,
// and no reference before everything that it leads to.
//
// Copies that were interrupted can be made again: layers that are there already stay.
// Layers that have to be compressed are compressed again, for their digest is not known
// otherwise.
package ocicopy
