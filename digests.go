package cstor

// go-digest knows only the algorithms that the program has linked.
import (
	_ "crypto/sha256"
	_ "crypto/sha512"
)
