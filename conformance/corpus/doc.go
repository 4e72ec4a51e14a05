// Package corpus builds real stores: with podman, buildah and skopeo of three generations, as root and as an ordinary
// user, and with calls of the reference library.
//
// [Table] names each store with the peer that writes it, its configuration and the steps that fill it; the steps are shell
// functions of build.sh, beside this file. A [Lab] holds what all stores need: the input images, a registry on the loopback
// interface, and the running peers. [Lab.Build] makes one store and returns where it lies.
//
// Two more tables are apart from that one: [Archives] of what readers of tars are tested on, [Contents] of images of which the
// merged tree is of interest.
//
// [LendLayers] makes a store of another kind: its layers lie in additional layer stores, in every state that such a layer can
// be in.
//
// A store is built inside its peer, so its paths there and here differ by the peer's root; nothing in a store that
// matters holds an absolute path.
//
// The package asks no questions: what a store must answer is the business of the tests.
package corpus
