package importer

import (
	"bytes"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fromFloat is the integer that a floating-point number is, if it is one. Above
// 2^53 it is not known which integer was meant.
func fromFloat(number float64) value {
	if number != math.Trunc(number) || math.Abs(number) > 1<<53 {
		return value{kind: fraction} // NaN is not equal to anything, infinity is above
	}
	return value{kind: integer, number: int64(number)}
}

// fromDecimal is the integer that a decimal number is, if it is one.
func fromDecimal(number bson.Decimal128) value {
	digits, exponent, err := number.BigInt()
	if err != nil {
		return value{kind: fraction} // NaN or infinity
	}
	// A Decimal128 has 34 digits, so this loop is short, whatever its exponent.
	mantissa := digits.String()
	for exponent < 0 && len(mantissa) > 1 && mantissa[len(mantissa)-1] == '0' {
		mantissa, exponent = mantissa[:len(mantissa)-1], exponent+1
	}
	switch {
	case digits.Sign() == 0:
		return value{kind: integer}
	case exponent < 0 || exponent > maxDigits || len(mantissa)+exponent > maxDigits:
		return value{kind: fraction}
	}
	for range exponent {
		mantissa += "0"
	}
	return fromLiteral([]byte(mantissa))
}

// maxDigits is how many decimal digits every int64 can have.
const maxDigits = 18

// fromLiteral is the integer that a JSON number is, if it is one.
func fromLiteral(literal []byte) value {
	if number, ok := parseInteger(literal); ok {
		return value{kind: integer, number: number}
	}
	number, err := strconv.ParseFloat(string(literal), 64)
	if err != nil {
		return value{kind: fraction} // out of range
	}
	return fromFloat(number)
}

// parseInteger reads decimal digits, with or without a minus. It is strconv's
// ParseInt without the string that escapes.
func parseInteger(literal []byte) (number int64, ok bool) {
	digits := bytes.TrimPrefix(literal, []byte("-"))
	for _, c := range digits {
		if c < '0' || c > '9' || len(digits) > maxDigits {
			number, err := strconv.ParseInt(string(literal), 10, 64)
			return number, err == nil
		}
		number = number*10 + int64(c-'0')
	}
	if len(digits) < len(literal) {
		number = -number
	}
	return number, len(digits) > 0
}
