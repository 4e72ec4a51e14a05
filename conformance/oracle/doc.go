// Package oracle holds cstor's reader of tar-split recipes against the
// implementation that writes them, github.com/vbatts/tar-split, by fuzzing.
//
// There are three targets, and nothing but tests:
//
//   - FuzzTar takes a tar apart with tar-split, as a pull does, and rebuilds it
//     with package tarsplit. The bytes must be those of the tar, all of them,
//     whichever way they are read, in order or at any place; Entries must read the
//     headers as tar-split does. What a recipe cannot give back is told by the tar
//     alone: see losses.
//   - FuzzSparse does so with tars of sparse files, in each form.
//   - FuzzRecipe reads any text as a recipe with tarsplit, with tar-split, and with
//     a naive reader of forty lines. tarsplit must do what the naive reader does,
//     and where that differs from tar-split, it must be for one of the reasons that
//     are listed in TestReasons. What tarsplit allocates is bounded by the length
//     of the recipe.
//
// tar-split alone decides what a tar is, and so which tars a store can hold. The
// tars in testdata are GNU tar's: see testdata/README.
package oracle
