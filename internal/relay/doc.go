// Package relay lets another process answer for layers' files ([driver.Files]).
//
// A [Client] and a server ([Serve]) are the two ends of a socket with which the server's
// process was started. The client tells once which stores the server is for, by
// descriptors of their directories, and then opens layers of theirs ([Client.Open]). A
// layer so opened answers as one that [driver.Open] gives, errors included.
//
//	control  stores · lanes · layers to forget         nothing comes back
//	lane     question ───▶                             one at a time; as many lanes as
//	         ◀─── answer, perhaps an open file         there are calls at the same time
//	         body of either: in memory that both have
//
// Nobody else can ask: the sockets have no names. The server opens nothing but what
// [driver.Open] does below the stores' directories; a file that it hands over is a regular
// one, open for reading only, which the client checks again. Everything else crosses as
// data, whose size is limited on both sides: long lists come in pieces, and what has no
// room is an error. Where the memory is used, its content is copied out first.
//
// Calls that are made by the thousand have forms that ask for many things at once:
// reading small files (tarsplit.BatchReader) and looking at nodes (driver.NodesReader).
// Who looks at the nodes of a list one by one gets them so without knowing, unless the
// layer may change.
//
// The server ends with its client, also when that is killed: it sees the end of the
// socket, and of the process itself. A client whose server has ended gives [ErrEnded] for
// every call.
package relay
