package cstor

import (
	"fmt"
	"slices"
)

// MaxChain is how many layers a chain may have: the reference mounts no more
// (container-libs storage/drivers/overlay/overlay.go:get).
const MaxChain = 500

// Chain is the layer and all those below it, base first, found by their records'
// parents in whichever store has them. A parent that is missing, or a chain without
// end, is an error that matches [ErrDamaged].
func (l *Layer) Chain() ([]*Layer, error) {
	chain := []*Layer{l}
	for at := l; at.rec.Parent != ""; {
		if len(chain) == MaxChain {
			for n, other := range chain {
				if slices.Contains(chain[:n], other) {
					return nil, l.fail(fmt.Errorf("%w: it is its own ancestor, through layer %s", ErrDamaged, other.rec.ID))
				}
			}
			return nil, l.fail(fmt.Errorf("%w: more than %d layers in its chain", ErrDamaged, MaxChain))
		}
		below, err := at.snap.layer(at.rec.Parent)
		if err != nil {
			return nil, at.fail(fmt.Errorf("parent: %w", err))
		}
		at = below
		chain = append(chain, at)
	}
	slices.Reverse(chain)
	return chain, nil
}
