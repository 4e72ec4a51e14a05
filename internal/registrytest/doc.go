// Package registrytest is a registry in memory, on the loopback interface, for tests and
// examples: enough of the OCI distribution protocol for pushes and pulls. It keeps what
// real ones keep: a blob whose digest is another one is refused, and so is a manifest
// that names what is not there. A test can intercept requests, to make it misbehave, and
// ask what it was asked.
package registrytest
