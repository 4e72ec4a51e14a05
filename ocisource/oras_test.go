package ocisource_test

import (
	"oras.land/oras-go/v2"

	"github.com/cstor-go/cstor/ocisource"
)

// A source is what oras-go copies from, though this package does not import it.
var _ oras.ReadOnlyTarget = (*ocisource.Source)(nil)
