package counters

// A Detail is what a key of a kind says to which records add nothing by themselves:
// who owns the kind gives its numbers a meaning.
type Detail struct {
	// Level is below 1<<levelBits, and sorts first.
	Level uint8
	// Word is a number of Store.Words plus one; 0 is none.
	Word uint16
	// Field is below 1<<fieldBits.
	Field uint8
}

const (
	levelBits  = 6
	wordBits   = 13
	fieldBits  = 7
	detailBits = levelBits + wordBits + fieldBits

	// MaxWords is how many texts Store.Words has room for: strangers choose them.
	MaxWords = 1 << (wordBits - 1)
)

// Key is the key of the detail. It has the first event type, so that it is one that any
// store which counts anything can hold.
func (d Detail) Key() Key {
	return TotalKey(1) | Key(d.Level)<<(wordBits+fieldBits) | Key(d.Word)<<fieldBits | Key(d.Field)
}

// Detail is what Detail.Key was called of.
func (k Key) Detail() Detail {
	return Detail{
		Level: uint8(k >> (wordBits + fieldBits) & (1<<levelBits - 1)),
		Word:  uint16(k >> fieldBits & (1<<wordBits - 1)),
		Field: uint8(k & (1<<fieldBits - 1)),
	}
}

// isDetail says whether a key is one of a Detail.
func (k Key) isDetail() bool { return k>>detailBits == TotalKey(1)>>detailBits }
