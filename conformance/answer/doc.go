// Package answer holds what a store answers to the questions of the conformance tests, as tables that can be compared:
// one of the reference library (container-libs storage and image), one of cstor.
//
// A table has plain fields only, so that two of them can be compared with go-cmp whoever filled them. Slices whose order
// means nothing are sorted. Where the two libraries model a thing differently, the function that fills the table says so
// and brings both to one form.
package answer
