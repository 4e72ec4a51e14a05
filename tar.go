package cstor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/tarsplit"
)

// TarOptions of [Layer.Tar] and [Layer.TarAt]. The zero value is ready to use.
type TarOptions struct {
	// CheckCRC compares each file with the CRC-64 that was taken when it was
	// unpacked, in what passes through Read and Copy. Not with TarAt.
	CheckCRC bool
	// MaxIndex is how many bytes the index of TarAt may hold: see [tarsplit.Options].
	MaxIndex int64
}

// Tar opens the layer's tar as a stream, byte for byte as it was pulled or made.
// The caller closes it. Nothing but sizes is verified: whoever needs to know
// compares the digest of what came out with [Layer.DiffID], or calls
// [Layer.WriteTar].
//
// A layer without tar-split, such as a container's, has no exact tar: the error
// matches [ErrNoTar] and says why. The stream never gives more bytes than were recorded
// with the diff id. ctx counts until Tar returns.
func (l *Layer) Tar(ctx context.Context, opts TarOptions) (*tarsplit.Reader, error) {
	src, err := l.source(ctx)
	if err != nil {
		return nil, err
	}
	split := l.splitOptions()
	split.CheckCRC = opts.CheckCRC
	r, err := tarsplit.NewReader(src, src.tree, split)
	if err != nil {
		_ = src.Close() // was only read
		return nil, l.fail(err)
	}
	return r, nil
}

// WriteOptions of [Layer.WriteTar]. The zero value verifies.
type WriteOptions struct {
	// NoVerify writes without computing any digest or checksum. Sizes are still
	// checked.
	NoVerify bool
	// CheckCRC compares each file with the CRC-64 that was taken when it was
	// unpacked, besides the diff id, and stops at the first that differs. It is done
	// without being asked where no diff id is recorded. Not together with NoVerify.
	CheckCRC bool
	// Progress, if not nil, is told how many more bytes have been written. It is
	// called often, by one goroutine at a time, never after WriteTar has returned.
	Progress func(bytes int64)
}

// Verified says what the bytes of a tar were checked against.
type Verified string

// What can have been verified.
const (
	VerifiedNothing Verified = ""        // sizes only
	VerifiedCRC     Verified = "crc64"   // every file against its CRC-64; headers against nothing
	VerifiedDiffID  Verified = "diff-id" // every byte
)

// Report of [Layer.WriteTar].
type Report struct {
	Size     int64         // bytes written
	Digest   digest.Digest // of the bytes written, by the diff id's algorithm, else SHA-256; empty under NoVerify
	Verified Verified
}

// WriteTar writes the layer's tar to w, byte for byte as it was pulled or made, and
// checks it in the same pass against the recorded diff id, or, where none is
// recorded, each file against its CRC-64. Files are read, hashed and written on
// several cores; w is called by the calling goroutine. Under NoVerify the content of
// large files goes into w inside the kernel if w is an [*os.File].
//
// A mismatch is known at the end only, when everything has been written: the error
// is then a [*MismatchError], joined with one that names the damaged entry if there
// is one that can be named. Other errors are those of [Layer.Tar], of w, and of ctx,
// which is looked at every few MiB at least: see [tarsplit.Reader.Copy].
func (l *Layer) WriteTar(ctx context.Context, w io.Writer, opts WriteOptions) (Report, error) {
	if opts.NoVerify && opts.CheckCRC {
		return Report{}, errors.New("cstor: NoVerify and CheckCRC contradict each other")
	}
	want := l.rec.DiffDigest
	if want != "" {
		if err := want.Validate(); err != nil {
			return Report{}, l.fail(fmt.Errorf("diff id %q: %w", want, err))
		}
	}
	r, err := l.Tar(ctx, TarOptions{CheckCRC: !opts.NoVerify && (opts.CheckCRC || want == "")})
	if err != nil {
		return Report{}, err
	}
	defer r.Close()
	var sum digest.Digester
	cp := tarsplit.CopyOptions{Progress: opts.Progress}
	if !opts.NoVerify {
		sum = digest.SHA256.Digester()
		if want != "" {
			sum = want.Algorithm().Digester()
		}
		cp.Hash = sum.Hash()
	}
	report := Report{}
	report.Size, err = r.Copy(ctx, w, cp)
	if err != nil {
		return report, l.fail(l.explain(err))
	}
	if sum == nil {
		return report, nil
	}
	report.Digest = sum.Digest()
	if want == "" {
		if r.Unchecked() == 0 {
			report.Verified = VerifiedCRC
		}
		return report, nil
	}
	if report.Digest != want {
		mismatch := &MismatchError{What: "diff id", Want: want.String(), Got: report.Digest.String()}
		return report, l.fail(errors.Join(mismatch, l.blame(ctx)))
	}
	report.Verified = VerifiedDiffID
	return report, nil
}

// blame looks for the entry that makes the tar wrong, by the files' own checksums.
// It returns nil if they are all right: then it is the recipe.
func (l *Layer) blame(ctx context.Context) error {
	r, err := l.Tar(ctx, TarOptions{CheckCRC: true})
	if err != nil {
		return nil
	}
	defer r.Close()
	_, err = r.Copy(ctx, io.Discard, tarsplit.CopyOptions{})
	if entry := (*tarsplit.EntryError)(nil); errors.As(err, &entry) {
		return entry
	}
	return nil
}

// explain tells a layer that was deleted while it was read from a damaged one.
func (l *Layer) explain(err error) error {
	if !errors.Is(err, tarsplit.ErrMissing) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoTar) {
		return err
	}
	same, lookErr := l.snap.unchanged()
	if lookErr == nil && !same {
		return fmt.Errorf("the store has changed since it was read, and the layer may have been removed: %w", err)
	}
	return err
}
