// Package importer reads dumps of the replaced service and exports of this one,
// and hands their documents over in batches.
//
// It reads its inputs and does no other I/O. It knows none of the other rooms:
// the sink that takes a document decides how the store counts it. The
// parts, in the order in which a byte passes them:
//
//	input      a file, the collection's file in a dump directory, or a stream;
//	           gunzipped, its format told from its first bytes
//	splitter   finds where each document begins and ends; one goroutine
//	chunk      a piece of an input with some whole documents in it
//	decoder    reads a document's fields as values that are the same whatever
//	           the format was; as many goroutines as there are workers
//	rules      turn values into a Document, or say why that cannot be done
//	sink       the caller's: adds a batch of documents up, may reject some
//
// Memory is bounded by the number of chunks, whatever the size of the inputs.
//
// The formats: mongoexport's JSON, one document after the other or as an array,
// in relaxed or canonical Extended JSON v2; mongodump's BSON files, directories
// of them, and archives; our own export as JSON lines. Each may be gzipped.
//
// A dump that was cut off exactly between two documents cannot be told from a
// whole one, except in an archive, an array, or anything gzipped: these say
// where they end.
package importer
