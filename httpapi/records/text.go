package records

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/goccy/go-json/jsontext"
	json "github.com/goccy/go-json/v2"
	"golang.org/x/text/encoding/unicode"
)

// unquote returns the content of a JSON string. Lone surrogates become U+FFFD, and
// so does each maximal subpart of an ill-formed sequence (WHATWG Encoding, "UTF-8
// decoder"), as the replaced server read them. go-json would take each byte for
// one.
func unquote(raw jsontext.Value) []byte {
	content := raw[1 : len(raw)-1]
	valid := utf8.Valid(content)
	if valid && bytes.IndexByte(content, '\\') < 0 {
		return content
	}
	if !valid {
		raw = wellFormed(raw)
	}
	var value string
	if err := json.Unmarshal(raw, &value, lenient); err != nil {
		return nil // not reached: raw comes from a decoded record
	}
	return []byte(value)
}

func wellFormed(text []byte) []byte {
	decoded, err := unicode.UTF8.NewDecoder().Bytes(text)
	if err != nil {
		return bytes.ToValidUTF8(text, []byte("\ufffd")) // not reached: the decoder takes everything
	}
	return decoded
}

// numberText is the text that JavaScript makes of a valid JSON number (ECMA-262,
// Number::toString): the shortest digits that give the same number, with an
// exponent from 1e21 on and below 1e-6.
func numberText(literal []byte) []byte {
	value, _ := strconv.ParseFloat(string(literal), 64) // out of range is infinite, as in JavaScript
	magnitude := math.Abs(value)
	switch {
	case math.IsInf(value, 1):
		return []byte("Infinity")
	case math.IsInf(value, -1):
		return []byte("-Infinity")
	case value == 0:
		return []byte("0") // also of -0
	case magnitude >= 1e-6 && magnitude < 1e21:
		return strconv.AppendFloat(nil, value, 'f', -1, 64)
	}
	text := strconv.AppendFloat(nil, value, 'e', -1, 64)
	if n := len(text); text[n-2] == '0' && (text[n-3] == '-' || text[n-3] == '+') { // e-07 is e-7
		text = append(text[:n-2], text[n-1])
	}
	return text
}
