package relay

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxHanded is how many descriptors one message may have.
const maxHanded = 4

// newPair makes two sockets that are each other's only peer. Messages keep their
// bounds.
func newPair() (ours, theirs int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, os.NewSyscallError("socketpair", err)
	}
	return pair[0], pair[1], nil
}

// send sends a message with descriptors, which stay the caller's.
func send(socket int, b []byte, fds ...int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		_, err := unix.SendmsgN(socket, b, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// receive waits for a message without descriptors; those that come are closed by the
// kernel. The end is [io.EOF].
func receive(socket int, b []byte) (n int, err error) {
	for {
		n, err = unix.Read(socket, b)
		if err == nil && n == 0 {
			return 0, io.EOF
		}
		if err != unix.EINTR {
			return n, err
		}
	}
}

// receiveHanded waits for a message with descriptors, at most maxHanded; more are an
// error. The caller closes them.
func receiveHanded(socket int, b []byte) (n int, fds []int, err error) {
	oob := make([]byte, unix.CmsgSpace(4*maxHanded))
	var oobn, flags int
	for {
		n, oobn, flags, _, err = unix.Recvmsg(socket, b, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, nil, err
	}
	all, err := unix.ParseSocketControlMessage(oob[:oobn])
	for i := range all {
		if got, parseErr := unix.ParseUnixRights(&all[i]); parseErr == nil {
			fds = append(fds, got...)
		}
	}
	switch {
	case err != nil:
	case flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0:
		err = errMalformed
	case n == 0:
		err = io.EOF
	}
	if err != nil {
		closeAll(fds)
		return 0, nil, err
	}
	return n, fds, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// checkFile refuses what is not a regular file, open for reading and nothing else.
func checkFile(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(fd, &st)
	}
	switch {
	case err != nil:
		return err
	case flags&(unix.O_ACCMODE|unix.O_PATH) != unix.O_RDONLY:
		return fmt.Errorf("handed a descriptor with the flags %#x", flags)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return errors.New("handed a descriptor of something else than a file")
	}
	return nil
}
