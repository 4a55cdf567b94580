package oddities

import (
	"cmp"
	"strings"
)

// An Oddity is something that was odd.
type Oddity struct {
	// Field is the field of a record that was wrong; empty for the record or the post
	// as a whole.
	Field string
	// Reason says why in a few words.
	Reason string
	// Name is what the client sent, of event types that nobody knows.
	Name string
}

// Odd posts as a whole.
const (
	// ReasonEmpty is that of posts without records.
	ReasonEmpty = "empty post"
	// ReasonUnreadable is that of bodies that are no JSON.
	ReasonUnreadable = "unreadable body"
)

const (
	// MaxNames is how many names a day tells apart, maxNameBytes how much of one is kept.
	MaxNames     = 64
	maxNameBytes = 64
)

// wordOfOddity begins the text that an oddity has among the words of a store; its parts
// follow, with a zero between.
const wordOfOddity = "o"

func (o Oddity) word() []byte {
	return []byte(wordOfOddity + o.Field + "\x00" + o.Reason + "\x00" + o.Name)
}

// oddityOf is the oddity that a word names, and whether it names one.
func oddityOf(word string) (Oddity, bool) {
	text, is := strings.CutPrefix(word, wordOfOddity)
	parts := strings.SplitN(text, "\x00", 3)
	if !is || len(parts) != 3 {
		return Oddity{}, false
	}
	return Oddity{parts[0], parts[1], parts[2]}, true
}

func (o Oddity) compare(other Oddity) int {
	return cmp.Or(strings.Compare(o.Field, other.Field), strings.Compare(o.Reason, other.Reason), strings.Compare(o.Name, other.Name))
}

// short is the oddity with as much of its name as is kept.
func (o Oddity) short() Oddity {
	if len(o.Name) > maxNameBytes {
		o.Name = strings.ToValidUTF8(o.Name[:maxNameBytes], "") + "…"
	}
	return o
}
