// Package idmap translates user and group ids as user namespaces do.
//
// A [Map] is a list of ranges, each of ids inside a namespace and the ids outside that
// stand for them; [Maps] are one for users and one for groups. Maps come from three
// places: the records of a store, whose layers were made for containers with id maps;
// the lists of subordinate ids, /etc/subuid and /etc/subgid, of which [ForUser] makes
// the map that podman gives an ordinary user; and /proc, which says what namespace this
// process is in ([Own]).
//
// The package knows texts and numbers: it opens nothing but /proc/self, and enters no
// namespace.
package idmap
