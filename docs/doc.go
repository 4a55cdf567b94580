// Package docs holds the documents to what they describe. It has no code of the
// product: its tests draw the imports in architecture.md from go list, keep the
// rooms apart, read the files of a server by what formats.md says of them, run
// every command of every document, and follow every link. steps_test.go has the
// orders by which a document says of a block that it cannot be run, or goes on running.
//
//	go test ./docs           fails where a document is out of date
//	go test ./docs -update   writes the drawing of imports anew
package docs
