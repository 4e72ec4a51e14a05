package main

import (
	"io"
	"sync"
)

// ahead reads on while what it gave is being looked at, so that two archives are
// decompressed on two cores: at most aheadParts of aheadSize bytes.
type ahead struct {
	full, empty chan part
	stopped     chan struct{}
	once        sync.Once
	now         part
	rest        []byte
}

const (
	aheadParts = 4
	aheadSize  = 256 << 10
)

// part is what one call of Read gave.
type part struct {
	buf []byte
	n   int
	err error
}

// newAhead begins to read r. The caller calls stop.
func newAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan part, aheadParts), empty: make(chan part, aheadParts), stopped: make(chan struct{})}
	for range aheadParts {
		a.empty <- part{}
	}
	go a.work(r)
	return a
}

func (a *ahead) work(r io.Reader) {
	for {
		var p part
		select {
		case p = <-a.empty:
		case <-a.stopped:
			return
		}
		if p.buf == nil {
			p.buf = make([]byte, aheadSize)
		}
		p.n, p.err = 0, nil
		for idle := 0; p.n < aheadSize/2 && p.err == nil; idle++ { // decompressors give little at a time
			var n int
			n, p.err = r.Read(p.buf[p.n:])
			if p.n += n; n > 0 {
				idle = 0
			} else if idle > 100 && p.err == nil {
				p.err = io.ErrNoProgress
			}
		}
		a.full <- p // has room for all there are
		if p.err != nil {
			return
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.buf != nil {
			a.empty <- a.now // has room for all there are
		}
		a.now = <-a.full
		a.rest = a.now.buf[:a.now.n]
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the reading, once a call that is under way has returned.
func (a *ahead) stop() { a.once.Do(func() { close(a.stopped) }) }
