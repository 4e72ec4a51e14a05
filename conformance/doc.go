// Package conformance asks cstor and the reference implementation the same questions about the same real stores.
//
// The reference is the container-libs library (go.podman.io/storage and go.podman.io/image/v5) at the versions in go.mod,
// and the podman, buildah and skopeo of three generations, which also write most of the stores: see package peers for
// where they come from, package corpus for the stores, package fixture for what goes into them, package answer for the
// tables that are compared, package contents for the trees that images show, and package trace for how a program is watched. Package oracle holds the reader of layer tars
// against the implementation that writes their recipes, by fuzzing; bench measures both.
//
// The tests:
//
//   - TestPeers prints the version of every peer;
//   - TestStores builds each store, asks cstor, checks that this left no trace, and compares with what the reference says
//     of a copy: every record and every byte of big data, stacks of layers, lookups of all kinds, and the tar of every
//     layer, which must have the digest that was recorded when it was unpacked;
//   - TestArchives pulls every archive of Go's and tar-split's own tests, and compares what comes back;
//   - TestKinds has a table of every kind of layer, what the reference makes of it and what cstor does, and TestMadeTars checks
//     the tars that are made of layers that have none;
//   - TestMerged compares the merged tree of every image with what the kernel's overlay, fuse-overlayfs and umoci make of the
//     same layers, and TestImageFS the view by files; what differs, because a store has lost what its tars said, is a table of
//     named exceptions, each of which must occur;
//   - TestTOC holds tables of contents against those of the eStargz library;
//   - TestContentsCommands runs ls, cat and toc on stores of every shape, which must say the same of the same image;
//   - TestLayoutsAreValid copies the images of stores into OCI layouts and compares digests, sizes, diff ids, ids and names;
//     TestPeersReadCopies has skopeo, podman, buildah and umoci of all generations read copies by every transport; and
//     TestRegistry copies into Debian's registry (package registry), with and without password and TLS, and interrupted;
//   - TestPlatforms asks which image of a list is for which platform;
//   - TestReadOnlyMount asks about stores on a read-only mount, without their lock files;
//   - TestNoWrites runs every command of the cstor binary under strace;
//   - TestLock has cstor and the reference keep each other out;
//   - TestRootless runs the binary as an ordinary user, who needs podman's user namespace to read his layers.
//
// It is a module of its own, because the reference brings more than a hundred others. Run it in this folder, as root:
//
//	CGO_ENABLED=0 go test -tags containers_image_openpgp ./...
//
// or `make test`. The tag chooses OpenPGP in Go over gpgme; the rest of the reference does without C by itself. The tests
// need podman, buildah, skopeo, umoci, docker-registry, fuse-overlayfs, attr, debootstrap, strace and util-linux, and disk space of about 2 GiB in $CSTOR_PEERS
// (/var/tmp/cstor-peers), where the two other generations are kept from one run to the next. What is missing skips the
// tests that need it and says so; with CSTOR_REQUIRE_PEERS=1 it fails them, but for Debian unstable.
//
// The run starts itself anew in a mount namespace, so that no mount outlives it, and the peers end with it. What it
// builds lies in temporary folders, among them /var/tmp of each peer, and is removed at the end.
package conformance
