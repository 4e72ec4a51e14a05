// Package corpora makes the content of the images that the measurements read: tar streams, the same bytes whenever they are
// made by the same build, from generators with fixed seeds. Nothing is downloaded, and nothing is taken from the machine.
//
//   - ordinary has the shape of a distribution's image: four layers of packages, 30,000 files with sizes spread as they are in
//     one (a median of 3 KB, a mean of 16 KB), deep paths, links, a few extended attributes, whiteouts in the last layer;
//   - smallfiles has the shape of a web application: three layers of node_modules, 50,000 files each, half of them below
//     1.2 KB;
//   - bigfiles has three layers of 1 GiB in a handful of files: data, logs, models.
//
// Text compresses about four times, as text does; what stands for compressed files does not compress.
//
// Command mkcorpus puts a corpus into a store, through the storage library itself, and leaves a Description there. This
// package knows nothing of stores.
package corpora
