package records

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-json/jsontext"
)

// kindName names the JSON type of a valid value, for messages.
func kindName(raw jsontext.Value) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// ParseInteger reads a decimal integer, also one written as 4.0 or 40e-1.
func ParseInteger(literal []byte) (value int, ok bool) {
	const short = 9 // digits that cannot overflow
	for _, c := range literal {
		if c < '0' || c > '9' || len(literal) > short {
			return parseIntegralFloat(literal)
		}
		value = value*10 + int(c-'0')
	}
	return value, len(literal) > 0
}

func parseIntegralFloat(literal []byte) (value int, ok bool) {
	if strings.Trim(string(literal), "0123456789+-.eE") != "" {
		return 0, false // ParseFloat also reads hexadecimal, "inf" and "_"
	}
	float, err := strconv.ParseFloat(string(literal), 64)
	if err != nil || float != math.Trunc(float) || math.Abs(float) > 1<<53 {
		return 0, false
	}
	return int(float), true
}

func parseCreatedAt(raw jsontext.Value) (time.Time, error) {
	switch raw[0] {
	case '"':
		return parseISODate(string(unquote(raw)))
	case '{', '[', 't', 'f', 'n':
		return time.Time{}, fmt.Errorf("not %s", kindName(raw))
	}
	milliseconds, err := strconv.ParseFloat(string(raw), 64)
	const latest = 8.64e15 // the range of ECMAScript's time values
	if err != nil || math.Abs(milliseconds) > latest {
		return time.Time{}, fmt.Errorf("not %s", QuoteShort(string(raw)))
	}
	return time.UnixMilli(int64(milliseconds)), nil
}
