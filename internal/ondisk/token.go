package ondisk

// TokenSize is how many bytes of a lock file count: the token, a mark that the last
// writer of the lists beside it left there. Only equality has a meaning. The writer puts
// it down before it replaces the list, so a changed token announces a change, and an
// unchanged one alone does not exclude it.
//
// Newer writers leave 64 bytes (time, counter, process id, random bytes), older
// ones 64 hexadecimal digits; an empty file was never written to
// (container-libs storage/pkg/lockfile/lastwrite.go:newLastWrite).
const TokenSize = 64
