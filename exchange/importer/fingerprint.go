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

// hasher adds up the hashes of documents.
type hasher struct {
	high, low uint64
	scratch   []byte
}

// add adds a document. One that is skipped is part of the content by its _id
// only, so that the rest of the hash does not depend on why it was skipped.
func (h *hasher) add(document *Document, skipped bool) {
	h.scratch = appendID(h.scratch[:0], document.id)
	if skipped {
		h.scratch = append(h.scratch, "skipped"...)
	} else {
		h.scratch = appendFields(h.scratch, document)
	}
	var carry uint64
	h.low, carry = bits.Add64(h.low, xxhash.Sum64(h.scratch), 0)
	h.high += carry
}

// take returns the sum and starts again at zero.
func (h *hasher) take() (sum Fingerprint) {
	binary.BigEndian.PutUint64(sum[:8], h.high)
	binary.BigEndian.PutUint64(sum[8:], h.low)
	h.high, h.low = 0, 0
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
	dst = appendText(dst, d.Benefit)
	dst = appendText(dst, d.EventType)
	dst = binary.LittleEndian.AppendUint16(dst, d.Version)
	dst = binary.LittleEndian.AppendUint16(dst, d.PageTotal)
	dst = binary.LittleEndian.AppendUint16(dst, d.Index)
	dst = append(dst, byte(d.Precision))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(d.CreatedAt.UnixMilli()))
	return binary.LittleEndian.AppendUint64(dst, d.Count)
}

func appendText(dst, text []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}
