package page

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"stats-recorder/insight"
)

var (
	unknown         = insight.Unknown()
	unknownInterval = insight.UnknownInterval()
)

// folded is text as people search for it: in lower case and without accents.
func folded(s string) string {
	s, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), strings.ToLower(s))
	if err != nil {
		return strings.ToLower(s)
	}
	return strings.ReplaceAll(s, "’", "'")
}

func foldedSearch(s string) string {
	if len(s) > longestSearch {
		s = s[:longestSearch]
	}
	return folded(strings.TrimSpace(s))
}
