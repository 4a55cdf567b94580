package report

import (
	"strconv"

	"github.com/goccy/go-json/jsontext"
)

// A Text is null in JSON if it is empty.
type Text string

// MarshalJSON writes the text, or null if it is empty. It never fails.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	quoted, _ := jsontext.AppendQuote(nil, string(t)) // invalid UTF-8 becomes U+FFFD
	return quoted, nil
}

// A Rank is a place from 1; 0, for what has none, is null in JSON.
type Rank int

// MarshalJSON writes the number, or null if it is 0. It never fails.
func (r Rank) MarshalJSON() ([]byte, error) {
	if r == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(r), 10), nil
}
