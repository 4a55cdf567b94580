package importer

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// Fingerprint tells whether two inputs have the same content: the same
// documents with the same _ids, in any order, in any container format. It is
// zero when there are no documents.
//
// It is the sum, modulo 2^128, of a 64-bit hash of each document. It is stored
// by callers, so what is hashed must never change.
type Fingerprint [16]byte

// String is the fingerprint as 32 hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// plus is the fingerprint of both contents together.
func (f Fingerprint) plus(other Fingerprint) Fingerprint {
	low, carry := bits.Add64(binary.BigEndian.Uint64(f[8:]), binary.BigEndian.Uint64(other[8:]), 0)
	high, _ := bits.Add64(binary.BigEndian.Uint64(f[:8]), binary.BigEndian.Uint64(other[:8]), carry)
	var sum Fingerprint
	binary.BigEndian.PutUint64(sum[:8], high)
	binary.BigEndian.PutUint64(sum[8:], low)
	return sum
}

// sum128 is a sum modulo 2^128.
type sum128 struct{ high, low uint64 }

func (s *sum128) add(hash uint64) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, hash, 0)
	s.high += carry
}

func (s *sum128) merge(other sum128) {
	s.add(other.low)
	s.high += other.high
}

func (s *sum128) bytes() (sum Fingerprint) {
	binary.BigEndian.PutUint64(sum[:8], s.high)
	binary.BigEndian.PutUint64(sum[8:], s.low)
	return sum
}

// hasher adds up the hashes of documents.
type hasher struct {
	sum     sum128
	scratch []byte
}

// add adds a document, and returns its hash. One that is skipped is part of the
// content by its _id only, so that the rest of the hash does not depend on why it was
// skipped.
func (h *hasher) add(document *Document, skipped bool) uint64 {
	h.scratch = appendID(h.scratch[:0], document.id)
	if skipped {
		h.scratch = append(h.scratch, "skipped"...)
	} else {
		h.scratch = appendFields(h.scratch, document)
	}
	hash := xxhash.Sum64(h.scratch)
	h.sum.add(hash)
	return hash
}

// identity is the hash of what no two documents of a source have in common: the
// ObjectId of a document; of a row, its source and all but its count.
func (h *hasher) identity(document *Document, source []byte) uint64 {
	if !document.isRow {
		return xxhash.Sum64(document.id.bytes)
	}
	h.scratch = appendPlace(appendText(h.scratch[:0], source), document)
	return xxhash.Sum64(h.scratch)
}

// take returns the sum and starts again at zero.
func (h *hasher) take() Fingerprint {
	sum := h.sum.bytes()
	h.sum = sum128{}
	return sum
}

func appendID(dst []byte, id value) []byte {
	if id.kind == null {
		id.kind = absent
	}
	dst = append(dst, byte(id.kind))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(id.number))
	return appendText(dst, id.bytes)
}

func appendFields(dst []byte, d *Document) []byte {
	return binary.LittleEndian.AppendUint64(appendPlace(dst, d), d.Count)
}

// appendPlace appends all but the count.
func appendPlace(dst []byte, d *Document) []byte {
	dst = appendText(dst, d.Benefit)
	dst = appendText(dst, d.EventType)
	dst = binary.LittleEndian.AppendUint16(dst, d.Version)
	dst = binary.LittleEndian.AppendUint16(dst, d.PageTotal)
	dst = binary.LittleEndian.AppendUint16(dst, d.Index)
	dst = append(dst, byte(d.Precision))
	return binary.LittleEndian.AppendUint64(dst, uint64(d.CreatedAt.UnixMilli()))
}

func appendText(dst, text []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}
