package words

import (
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBothCataloguesHaveTheSameKeysAndPlaces(t *testing.T) {
	t.Parallel()
	places := regexp.MustCompile(`\{[a-z]+\}`)
	for key := range maps.Keys(French.messages) {
		if !English.Has(key) {
			t.Errorf("English has no %q", key)
			continue
		}
		fr, en := places.FindAllString(French.messages[key], -1), places.FindAllString(English.messages[key], -1)
		for _, place := range en {
			if !slices.Contains(fr, place) && !strings.HasPrefix(key, "benefit.below") {
				t.Errorf("%q has %s in English alone", key, place)
			}
		}
		if strings.Count(French.messages[key], "**")%2 != 0 || strings.Count(English.messages[key], "**")%2 != 0 {
			t.Errorf("%q begins bold words and does not end them", key)
		}
	}
	for key := range maps.Keys(English.messages) {
		if !French.Has(key) {
			t.Errorf("French has no %q", key)
		}
	}
}

func TestNumbersAreWrittenAsTheLanguageWritesThem(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, got, want string }{
		{"a French thousand", French.Number(12904, 0), "12\u202f904"},
		{"French decimals", French.Number(2.314, 2), "2,31"},
		{"a French percent", French.Percent(0.179, 1), "17,9\u202f%"},
		{"a French minus", French.Change(-0.03, 0), "−3\u202f%"},
		{"a French plus", French.Change(0.104, 1), "+10,4\u202f%"},
		{"nothing has no sign", French.Change(-0.0001, 0), "0\u202f%"},
		{"an English thousand", English.Number(12904, 0), "12,904"},
		{"an English percent", English.Percent(0.179, 1), "17.9%"},
		{"an English minus", English.Change(-0.03, 0), "−3%"},
		{"an unknown number", French.Number(float64Unknown(), 2), "–"},
		{"a French hour", French.Clock(time.Date(2026, 1, 2, 9, 4, 0, 0, time.UTC)), "9\u00a0h\u00a004"},
		{"an English hour", English.Clock(time.Date(2026, 1, 2, 9, 4, 0, 0, time.UTC)), "09:04"},
		{"the first of a month", French.Date(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)), "1er novembre 2026"},
		{"an English date", English.Date(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)), "1 November 2026"},
		{"English ordinals", strings.Join([]string{English.OrdinalPlain(1), English.OrdinalPlain(2), English.OrdinalPlain(3), English.OrdinalPlain(11), English.OrdinalPlain(21), English.OrdinalPlain(112)}, " "), "1st 2nd 3rd 11th 21st 112th"},
		{"French ordinals", string(French.Ordinal(1)) + " " + string(French.Ordinal(14)), "1<sup>re</sup> 14<sup>e</sup>"},
		{"a gap", French.Duration(3*time.Hour + 12*time.Minute), "3 h 12"},
	} {
		if row.got != row.want {
			t.Errorf("%s is %q, want %q", row.name, row.got, row.want)
		}
	}
}

func float64Unknown() float64 { var zero float64; return zero / zero }

func TestPluralsFollowTheLanguage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		n      float64
		fr, en string
	}{{0, ".one", ".other"}, {1, ".one", ".one"}, {1.9, ".one", ".other"}, {2, ".other", ".other"}, {12904, ".other", ".other"}} {
		if fr, en := French.form(row.n), English.form(row.n); fr != row.fr || en != row.en {
			t.Errorf("%g is %s in French and %s in English, want %s and %s", row.n, fr, en, row.fr, row.en)
		}
	}
}

func TestWhatStrangersNamedIsEscapedAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	got := French.Say("benefit.unknown", With{"id": `<b>"1re" ? & **x**`})
	if want := template.HTML("Aucune aide n’a l’identifiant «\u00a0&lt;b&gt;&#34;1re&#34; ? &amp; **x**\u00a0»."); got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

func TestTheLanguageIsTheOneAskedForOrThatOfTheBrowser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		asked, accept string
		want          *Language
	}{
		{"", "", French}, {"en", "fr", English}, {"EN", "", English}, {"xx", "en-GB,en;q=0.9", English}, {"", "de,en;q=0.5", English},
		{"", "fr-CA,en;q=0.5", French}, {"", "de", French}, {"", "<script>;;;", French},
	} {
		if got := Choose(row.asked, row.accept); got != row.want {
			t.Errorf("asked for %q by a browser of %q, it is %s, want %s", row.asked, row.accept, got.Tag, row.want.Tag)
		}
	}
}
