package visitors

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// A key is the secret of a day. It may be read while it is forgotten; what is
// hashed with it then is thrown away, because the shards were closed before.
type key struct{ low, high atomic.Uint64 }

func (k *key) set(words [2]uint64) {
	k.low.Store(words[0])
	k.high.Store(words[1])
}

// forget overwrites the key.
func (k *key) forget() { k.set([2]uint64{}) }

func (k *key) hash(message []byte) uint64 {
	return sipHash(k.low.Load(), k.high.Load(), message)
}

// sipHash is SipHash-1-3 of a message under a 128-bit key (Aumasson, Bernstein:
// "SipHash: a fast short-input PRF", INDOCRYPT 2012). It is made for short
// messages that strangers choose: without the key nobody finds two ids of one
// shard, or an id of a hash. Its authors name 2-4 for where hashes are seen, and
// no attack is known on 1-3 either, which Rust and Python have for tables; here
// no hash ever leaves memory, nor does the key, which is of one day.
func sipHash(low, high uint64, message []byte) uint64 {
	v0 := low ^ 0x736f6d6570736575
	v1 := high ^ 0x646f72616e646f6d
	v2 := low ^ 0x6c7967656e657261
	v3 := high ^ 0x7465646279746573
	last := uint64(len(message)) << 56
	for ; len(message) >= 8; message = message[8:] {
		word := binary.LittleEndian.Uint64(message)
		v3 ^= word
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= word
	}
	for i, b := range message {
		last |= uint64(b) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v2 += v3
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v1
	v0 += v3
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
