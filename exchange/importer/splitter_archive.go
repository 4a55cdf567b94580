package importer

import (
	"bytes"
	"hash/crc64"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The constants of mongodump's archives.
var (
	archiveMagic      = []byte{0x6d, 0xe2, 0x99, 0x81} // 0x8199e26d, little-endian
	archiveTerminator = []byte{0xff, 0xff, 0xff, 0xff}
	archiveChecksum   = crc64.MakeTable(crc64.ECMA)
)

const archiveVersion = "0.1"

// archiveState is what comes next in an archive.
type archiveState uint8

const (
	archiveStart      archiveState = iota
	archiveHeader                  // the document about the archive
	archiveMetadata                // a document about a collection, or a terminator
	archiveNamespace               // a segment's header, or the end of the archive
	archiveBody                    // a document of the segment's collection, or a terminator
	archiveTerminated              // a terminator, after the header that ends a collection
)

// archiveSplitter finds the documents of one collection in an archive made by
// mongodump --archive, as the "Mongodump archive format specification" of the
// MongoDB Database Tools has it. All numbers are little-endian:
//
//	archive  = magic header metadata* terminator segment*
//	magic    = 6d e2 99 81
//	header   = {concurrent_collections: int32, version: "0.1", server_version, tool_version: string}
//	metadata = {db, collection, metadata: string, size: int32, type: string}
//	segment  = {db, collection: string, EOF: false, CRC: int64(0)} document* terminator
//	         | {db, collection: string, EOF: true, CRC: int64} terminator
//	terminator = ff ff ff ff
//
// header, metadata, document and the parts in braces are BSON documents. The
// segments of the collections are mixed. The one with EOF is a collection's
// last, and its CRC is the CRC-64-ECMA of all the collection's documents.
//
// An archive must have the last segment of the collection that is read, and the
// right checksum there.
type archiveSplitter struct {
	chooser  chooser
	state    archiveState
	kept     bool   // the segment is of the chosen collection
	checksum uint64 // of the chosen collection's documents so far
	complete bool   // the last segment of the chosen collection has been there
}

func (s *archiveSplitter) split(data []byte, ended bool, spans []span) ([]span, int, error) {
	position := 0
	if s.state == archiveStart && len(data) >= len(archiveMagic) {
		position = len(archiveMagic) // it was seen when the format was told
		s.state = archiveHeader
	}
	for position < len(data) {
		if bytes.HasPrefix(data[position:], archiveTerminator) {
			if err := s.terminator(position); err != nil {
				return spans, position, err
			}
			position += len(archiveTerminator)
			continue
		}
		end, err := bsonEnd(data, position, ended)
		if end < 0 || err != nil {
			return spans, position, err
		}
		wanted, err := s.document(data[position:end], position)
		if err != nil {
			return spans, position, err
		}
		if wanted {
			spans = append(spans, span{position, end})
		}
		position = end
	}
	if ended {
		return spans, position, s.end(position)
	}
	return spans, position, nil
}

func (s *archiveSplitter) terminator(position int) error {
	switch s.state {
	case archiveMetadata, archiveBody, archiveTerminated:
		s.state = archiveNamespace
		return nil
	}
	return corrupt(position, "a terminator where a document must be")
}

// document takes the next document, and reports whether it is one of those that
// are read.
func (s *archiveSplitter) document(data []byte, position int) (wanted bool, err error) {
	switch s.state {
	case archiveHeader:
		s.state = archiveMetadata
		return false, s.header(data, position)
	case archiveMetadata:
		return false, s.metadata(data, position)
	case archiveNamespace:
		return false, s.namespace(data, position)
	case archiveBody:
		if s.kept {
			s.checksum = crc64.Update(s.checksum, archiveChecksum, data)
		}
		return s.kept, nil
	}
	return false, corrupt(position, "a document where a terminator must be")
}

func (s *archiveSplitter) header(data []byte, position int) error {
	var header struct {
		Version string `bson:"version"`
	}
	if err := bson.Unmarshal(data, &header); err != nil {
		return corrupt(position, "archive header: %v", err)
	}
	if header.Version != archiveVersion {
		return &flaw{ErrFormat, position, "archive version " + strconv.Quote(shorten(header.Version)) + ", want " + archiveVersion}
	}
	return nil
}

// metadata lets the chooser see all collections before the first document, so
// that an archive with several is refused at once.
func (s *archiveSplitter) metadata(data []byte, position int) error {
	var metadata struct {
		Database   string `bson:"db"`
		Collection string `bson:"collection"`
		Type       string `bson:"type"`
	}
	if err := bson.Unmarshal(data, &metadata); err != nil {
		return corrupt(position, "collection metadata: %v", err)
	}
	if metadata.Type == "view" || metadata.Type == "timeseries" {
		return nil // has no documents of its own
	}
	if _, err := s.chooser.choose(metadata.Database, metadata.Collection); err != nil {
		return &flaw{kind: err, at: position}
	}
	return nil
}

func (s *archiveSplitter) namespace(data []byte, position int) error {
	var segment struct {
		Database   string `bson:"db"`
		Collection string `bson:"collection"`
		EOF        bool   `bson:"EOF"`
		CRC        int64  `bson:"CRC"`
	}
	err := bson.Unmarshal(data, &segment)
	if err != nil {
		return corrupt(position, "segment header: %v", err)
	}
	if s.kept, err = s.chooser.choose(segment.Database, segment.Collection); err != nil {
		return &flaw{kind: err, at: position}
	}
	if s.kept && s.complete {
		return corrupt(position, "a segment of %q after its last", s.chooser.chosen)
	}
	if !segment.EOF {
		s.state = archiveBody
		return nil
	}
	s.state = archiveTerminated
	if s.kept && uint64(segment.CRC) != s.checksum {
		return corrupt(position, "checksum of %q is %016x, want %016x", s.chooser.chosen, s.checksum, uint64(segment.CRC))
	}
	s.complete = s.complete || s.kept
	return nil
}

// end checks that the archive may end here.
func (s *archiveSplitter) end(position int) error {
	if s.state != archiveNamespace {
		return truncated(position, "the archive ends within a segment")
	}
	if err := s.chooser.found(); err != nil {
		return &flaw{kind: err, at: position}
	}
	if !s.complete {
		return truncated(position, "the last segment of %q is missing", s.chooser.chosen)
	}
	return nil
}
