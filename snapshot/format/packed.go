package format

import "math/bits"

// Packed numbers are a range code (G. N. N. Martin 1979) of bits, each by how likely it is.
//
// The code is a number between 0 and 1, written from its highest bits on. What is left of
// that interval is divided with every bit, in the ratio of the chances of 0 and 1, and the
// part of the bit is what is left then: so a bit that was expected takes next to nothing.
// The writer keeps the lower end and the width of the interval in 32 bits, the reader how
// far the code is above the lower end. Below 2^24 both go on to the next byte.
const (
	packedWidth, packedFloor = 1<<32 - 1, 1 << 24
	// mostSeen is after how many bits a chance counts half of what it has seen.
	mostSeen = 1024
)

// A chance is that of a bit to be 0, from the bits of its kind before: (2·zeros + 1) ÷
// (2·seen + 2) (Krichevsky & Trofimov 1981).
type chance struct{ zeros, seen uint32 }

// ofZero is the part of a width that is that of 0. There is one for either bit.
func (c *chance) ofZero(width uint32) uint32 { return width / (2*c.seen + 2) * (2*c.zeros + 1) }

func (c *chance) see(bit uint64) {
	c.zeros += uint32(1 - bit)
	c.seen++
	if c.seen == mostSeen {
		c.zeros, c.seen = c.zeros/2, c.seen/2
	}
}

// A shape is what was seen of numbers that are alike: how many bits they have, and which
// comes after the first. All further bits are as likely 0 as 1.
type shape struct {
	longer [64]chance
	second [65]chance
}

// A packer writes packed numbers.
type packer struct {
	packed     []byte
	low, width uint32
}

func newPacker() *packer { return &packer{width: packedWidth} }

// number takes at most 128 bits and no more.
func (p *packer) number(s *shape, number uint64) {
	length := bits.Len64(number)
	for at := range length {
		p.bit(&s.longer[at], 1)
	}
	if length < len(s.longer) {
		p.bit(&s.longer[length], 0)
	}
	if length > 1 {
		p.bit(&s.second[length], number>>(length-2)&1)
	}
	for at := length - 3; at >= 0; at-- {
		p.narrow(p.width/2, number>>at&1)
	}
}

func (p *packer) bit(c *chance, bit uint64) {
	p.narrow(c.ofZero(p.width), bit)
	c.see(bit)
}

// narrow writes a bit, where zero is the part of the width that is that of 0.
func (p *packer) narrow(zero uint32, bit uint64) {
	if bit == 0 {
		p.width = zero
	} else {
		p.width -= zero
		if p.low += zero; p.low < zero {
			p.carry()
		}
	}
	for p.width < packedFloor {
		p.next()
		p.width <<= 8
	}
}

func (p *packer) carry() {
	for at := len(p.packed) - 1; ; at-- {
		if p.packed[at]++; p.packed[at] != 0 {
			return
		}
	}
}

func (p *packer) next() {
	p.packed = append(p.packed, byte(p.low>>24))
	p.low <<= 8
}

// end returns all that was written.
func (p *packer) end() []byte {
	for range 4 {
		p.next()
	}
	return p.packed
}

// An unpacker reads packed numbers. What is missing fails the cursor, and is read as 0.
type unpacker struct {
	from         *cursor
	above, width uint32
}

func newUnpacker(from *cursor) *unpacker {
	u := &unpacker{from: from, width: packedWidth}
	for range 4 {
		u.next()
	}
	return u
}

func (u *unpacker) number(s *shape) (number uint64) {
	length := 0
	for length < len(s.longer) && u.bit(&s.longer[length]) == 1 {
		length++
	}
	if length > 0 {
		number = 1
	}
	if length > 1 {
		number = 2 | u.bit(&s.second[length])
	}
	for range length - 2 {
		number = number<<1 | u.narrow(u.width/2)
	}
	return number
}

func (u *unpacker) bit(c *chance) uint64 {
	bit := u.narrow(c.ofZero(u.width))
	c.see(bit)
	return bit
}

// narrow reads a bit, where zero is the part of the width that is that of 0.
func (u *unpacker) narrow(zero uint32) (bit uint64) {
	if u.above < zero {
		u.width = zero
	} else {
		bit = 1
		u.above -= zero
		u.width -= zero
	}
	for u.width < packedFloor {
		u.next()
		u.width <<= 8
	}
	return bit
}

func (u *unpacker) next() { u.above = u.above<<8 | uint32(u.from.byte()) }
