package cstor

// User is the user in whose store the image is, in a mounted system
// ([DiscoverOptions.Sysroot]); else empty.
func (i *Image) User() string { return i.snap.user() }

// User is the user in whose store the container is, as [Image.User]. Images of others are
// not its own, whatever their ids.
func (c *Container) User() string { return c.snap.user() }

// user is the one whose configuration it is a snapshot of.
func (s *snapshot) user() string { return s.places[0].owner }
