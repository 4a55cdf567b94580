package insight

import (
	"encoding/json"
	"math"

	"github.com/goccy/go-json/jsontext"
)

// A Number is a statistic that may not be known. The zero value is the known
// number 0. In JSON it is the shortest text of the number, or null.
type Number float64

// Unknown is the Number that stands where nothing can be said.
func Unknown() Number { return Number(math.NaN()) }

// Known says whether there is a number.
func (n Number) Known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes the number, or null if it is not known. It never fails.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return n.appendTo(nil), nil
}

// appendTo writes a number that is known.
func (n Number) appendTo(text []byte) []byte { return jsontext.AppendFloat(text, float64(n), 64) }

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Unknown()
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// quotient is a ÷ b, unknown if b is 0.
func quotient(a, b float64) Number {
	if b == 0 {
		return Unknown()
	}
	return Number(a / b)
}

// Rate is hits ÷ trials, unknown without trials. It may exceed 1.
func Rate(hits, trials uint64) Number { return quotient(float64(hits), float64(trials)) }

// An Interval holds the true value in 95 % of all windows, if the model is
// right: it is of the counting noise, not of the model. In JSON it is an array
// of two numbers, or null.
type Interval struct{ Lower, Upper Number }

// UnknownInterval is the Interval that stands where nothing can be said.
func UnknownInterval() Interval { return Interval{Unknown(), Unknown()} }

// Known says whether both ends are known.
func (i Interval) Known() bool { return i.Lower.Known() && i.Upper.Known() }

// MarshalJSON writes [lower, upper], or null if one of them is not known. It
// never fails.
func (i Interval) MarshalJSON() ([]byte, error) {
	if !i.Known() {
		return []byte("null"), nil
	}
	const usual = 44 // bytes
	text := append(i.Lower.appendTo(append(make([]byte, 0, usual), '[')), ',')
	return append(i.Upper.appendTo(text), ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Interval) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*i = UnknownInterval()
		return nil
	}
	ends := [2]*Number{&i.Lower, &i.Upper}
	return json.Unmarshal(text, &ends)
}
