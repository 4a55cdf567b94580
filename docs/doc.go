// Package docs holds the documents to what they describe. It has no code of the
// product: its tests draw the imports in architecture.md from go list, keep the
// rooms apart, read the files of a server by what formats.md says of them, run
// the examples of api.md and README.md, and follow every link.
//
//	go test ./docs           fails where a document is out of date
//	go test ./docs -update   writes the drawing of imports anew
package docs
