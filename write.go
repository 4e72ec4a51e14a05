package cstor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/cstor-go/cstor/tarsplit"
)

// WriteOptions of [Layer.WriteTar]. The zero value verifies.
type WriteOptions struct {
	// NoVerify writes without computing any digest or checksum. Sizes are still
	// checked.
	NoVerify bool
	// CheckCRC compares each file with the CRC-64 that was taken when it was
	// unpacked, besides the diff id, and stops at the first that differs. It is done
	// without being asked where no diff id is recorded. Not together with NoVerify.
	CheckCRC bool
	// Approximate makes a tar where the exact one cannot be had: see [TarOptions].
	Approximate bool
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
	VerifiedTOC     Verified = "toc"     // every file of an approximate tar against the layer's table of contents
)

// Report of [Layer.WriteTar].
type Report struct {
	Size     int64         // bytes written
	Digest   digest.Digest // of the bytes written, by the diff id's algorithm, else SHA-256; empty under NoVerify
	Verified Verified
	// Approximate: the tar was made from the layer's files, and is not the one that
	// the layer was made from.
	Approximate bool
}

// WriteTar writes the layer's tar to w, byte for byte as it was pulled or made, and
// checks it in the same pass against the recorded diff id, or, where none is
// recorded, each file against its CRC-64; an approximate one, each file against the
// digest that a table of contents has of it. Files are read, hashed and written on
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
	verify := !opts.NoVerify
	stream := TarOptions{CheckCRC: verify && (opts.CheckCRC || want == ""), Approximate: opts.Approximate}
	r, from, err := l.tar(ctx, stream, l.splitOptions(), verify) // errors are wrapped here, with what explains them
	if err != nil {
		return Report{}, err
	}
	defer r.Close()
	if from == fromEntries {
		want = "" // that of another tar
	}
	var sum digest.Digester
	cp := tarsplit.CopyOptions{Progress: opts.Progress}
	if verify {
		sum = digest.SHA256.Digester()
		if want != "" {
			sum = want.Algorithm().Digester()
		}
		cp.Hash = sum.Hash()
	}
	report := Report{Approximate: from == fromEntries}
	report.Size, err = r.Copy(ctx, w, cp)
	if err != nil {
		return report, l.fail(l.explain(l.usurped(ctx, err)))
	}
	if sum == nil {
		return report, nil
	}
	report.Digest = sum.Digest()
	switch {
	case want == "":
		report.Verified = l.checked(r, from)
		return report, nil
	case report.Digest != want:
		mismatch := &MismatchError{What: "diff id", Want: want.String(), Got: report.Digest.String()}
		return report, l.fail(errors.Join(mismatch, l.blame(ctx)))
	}
	report.Verified = VerifiedDiffID
	return report, nil
}

// checked says what a tar without a diff id was checked against.
func (l *Layer) checked(r *tarsplit.Reader, from origin) Verified {
	switch complete := r.Unchecked() == 0; {
	case complete && from == fromRecipe:
		return VerifiedCRC
	case complete && from == fromEntries && l.hasTOC():
		return VerifiedTOC
	}
	return VerifiedNothing
}
