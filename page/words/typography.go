package words

import (
	"regexp"
	"strings"
)

// French puts a space that does not break before some signs, and a narrow one before
// others (Lexique des règles typographiques en usage à l'Imprimerie nationale).
var frenchSpaces = strings.NewReplacer(
	"« ", "«"+noBreak, " »", noBreak+"»", " :", noBreak+":", " ;", narrow+";", " ?", narrow+"?", " !", narrow+"!",
	" %", narrow+"%", " ÷ ", noBreak+"÷ ", " –", noBreak+"–", "'", "’",
)

var (
	thousands = regexp.MustCompile(`(\d) (\d{3})\b`)
	raised    = regexp.MustCompile(`\b(1)(re|er)\b|\b(\d+)(e)\b`)
)

// spaces sets the spaces and apostrophes of the language.
func (l *Language) spaces(text string) string {
	if !l.IsFrench() {
		return strings.ReplaceAll(text, "'", "’")
	}
	return thousands.ReplaceAllString(frenchSpaces.Replace(text), "$1"+narrow+"$2")
}

// raise raises the letters of French ordinals in escaped text.
func (l *Language) raise(text string) string {
	if !l.IsFrench() {
		return text
	}
	return raised.ReplaceAllString(text, "$1$3<sup>$2$4</sup>")
}
