package records

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// errNotADate is returned for text that is not a date.
var errNotADate = errors.New("not an ISO 8601 date")

// isoDate is the Date Time String Format of ECMAScript (ECMA-262, 21.4.1.32),
// which is what new Date() reads on every browser, with the colon of the zone
// optional. No library reads exactly this: time.Parse knows one layout at a
// time, and the general date parsers accept far more.
var isoDate = regexp.MustCompile(`^(\d{4}|[+-]\d{6})(?:-(\d\d)(?:-(\d\d))?)?` +
	`(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9})\d*)?)?(Z|[+-]\d\d:?\d\d)?)?$`)

// parseISODate reads a date or a date-time. No zone means UTC.
func parseISODate(text string) (time.Time, error) { return ParseTime(text, time.UTC) }

// ParseTime reads a date or a date-time of ISO 8601, as JavaScript does but for
// text without a zone: that is in the given one.
func ParseTime(text string, missing *time.Location) (time.Time, error) {
	parts := isoDate.FindStringSubmatch(text)
	if parts == nil || parts[1] == "-000000" {
		return time.Time{}, fmt.Errorf("%w: %s", errNotADate, QuoteShort(text))
	}
	year, month, day := number(parts[1], 0), number(parts[2], 1), number(parts[3], 1)
	hour, minute, second := number(parts[4], 0), number(parts[5], 0), number(parts[6], 0)
	nanosecond := number((parts[7] + "000000000")[:9], 0)
	zone, ok := parseZone(parts[8], missing)
	midnight := hour == 24 && minute == 0 && second == 0 && nanosecond == 0
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if !ok || (hour > 23 && !midnight) || minute > 59 || second > 59 ||
		date.Year() != year || int(date.Month()) != month || date.Day() != day {
		return time.Time{}, fmt.Errorf("%w: %s", errNotADate, QuoteShort(text))
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, zone), nil
}

func parseZone(text string, missing *time.Location) (zone *time.Location, ok bool) {
	switch text {
	case "":
		return missing, true
	case "Z":
		return time.UTC, true
	}
	hours, minutes := number(text[1:3], 0), number(text[len(text)-2:], 0)
	seconds := hours*3600 + minutes*60
	if text[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), hours <= 23 && minutes <= 59
}

// number is the value of digits that the pattern let through, or a default.
func number(digits string, missing int) int {
	if digits == "" {
		return missing
	}
	value, _ := strconv.Atoi(digits)
	return value
}

// QuoteShort quotes what a client sent, so that a message stays short: at most 40
// bytes of it.
func QuoteShort(text string) string {
	const longest = 40
	if len(text) > longest {
		return strconv.Quote(text[:longest]) + "…"
	}
	return strconv.Quote(text)
}
