package browsing

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// in is the address of a path in a language.
func (s *site) in(lang, path string) string {
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	return s.origin + path + sign + "lang=" + lang
}

// looks are those that every view is looked at in.
var looks = []look{
	{width: 1280, scheme: "light"}, {width: 1280, scheme: "dark"}, {width: 1280, scheme: "light", forced: true},
	{width: 320, scheme: "light"}, {width: 1280, scheme: "light", zoom: 2},
}

func TestNoViewKeepsAnybodyOut(t *testing.T) {
	source, s := axe(t), demonstration(t)
	b := open(t, s.origin)
	for i, lang := range []string{"fr", "en"} {
		for j, l := range looks {
			if !long && (i+j)%3 != 0 {
				continue // each look is taken in some language
			}
			b.as(t, l)
			for name, path := range chosen() {
				b.do(t, chromedp.Navigate(s.in(lang, path)))
				b.expectAccessible(t, source, fmt.Sprintf("%s in %s, %s at %d", name, lang, l, l.width))
			}
			for name, path := range failures {
				b.do(t, chromedp.Navigate(s.in(lang, path)))
				b.expectAccessible(t, source, fmt.Sprintf("%s in %s, %s at %d", name, lang, l, l.width))
				b.expectFailure(t, name)
			}
		}
	}
}

// widest is the element that goes farthest to the right.
const widest = `(() => { let m = null, w = innerWidth; document.querySelectorAll("main *").forEach(e => { const r = e.getBoundingClientRect().right; if (r > w + 1 && !e.closest(".scroll")) { w = r; m = e; } }); return m ? m.outerHTML.slice(0, 160) : ""; })()`

func TestNoViewIsWiderThanItsScreen(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	for name, path := range paths {
		b.do(t, chromedp.Navigate(s.in("fr", path)))
		for _, l := range []look{{width: 320}, {width: 360}, {width: 640}, {width: 800}, {width: 960}, {width: 1024}, {width: 1280}, {width: 1600}, {width: 1280, zoom: 2}} {
			l.scheme = "light"
			b.as(t, l)
			if wide := eval[int](t, b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
				t.Errorf("%s at %d, %s, is %d pixels too wide: %s", name, l.width, l, wide, eval[string](t, b, widest))
			}
		}
	}
}

// broken are the first words of rows that are broken within, which only names of
// strangers may be.
const broken = `[...document.querySelectorAll("tbody th:not(.who)")].map(e => {
	const text = document.createTreeWalker(e, NodeFilter.SHOW_TEXT).nextNode(), word = /^\S+/.exec(text?.data ?? "");
	if (!word) return "";
	const range = document.createRange();
	range.setStart(text, 0); range.setEnd(text, word[0].length);
	return range.getClientRects().length > 1 ? word[0] : "";
}).filter(w => w).join(" ")`

func TestNothingFailsInTheBrowserAndNothingLeavesTheHost(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	for name, path := range paths {
		for _, lang := range []string{"fr", "en"} {
			b.do(t, chromedp.Navigate(s.in(lang, path)))
			b.expectNothingWrong(t, name)
			if words := eval[string](t, b, broken); words != "" {
				t.Errorf("%s in %s breaks words: %s", name, lang, words)
			}
			if got := eval[string](t, b, `document.documentElement.lang`); got != lang {
				t.Errorf("%s is in %q, want %q", name, got, lang)
			}
			if raw := eval[string](t, b, `(document.body.innerText.match(/\b[a-z]+\.[a-z]+(\.[a-z]+)*\b(?=[^\/]|$)|\{[a-z]+\}|NaN|<nil>|%!/g) || []).filter(x => !/^(www|id\.|e\.g)/.test(x)).join(" ")`); raw != "" {
				t.Errorf("%s in %s shows what was meant for programs: %s", name, lang, raw)
			}
		}
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	seen := map[string]bool{}
	for name, path := range paths {
		b.do(t, chromedp.Navigate(s.in("fr", path)))
		for _, link := range eval[[]string](t, b, `[...document.links].map(a => a.href.split("#")[0])`) {
			kind := strings.SplitN(link, "benefit=", 2)[0]
			if seen[kind] {
				continue
			}
			seen[kind] = true
			if status := eval[int](t, b, fmt.Sprintf(`fetch(%q).then(r => r.status)`, link)); status != 200 {
				t.Errorf("%s links to %s, which answers %d", name, link, status)
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d kinds of links were found", len(seen))
	}
}

func TestABenefitPrintsOnOnePage(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	for _, benefit := range []string{"mobili_jeune", "sante_psy", "region-1-1"} { // with a step up, with a change of late, with a long name
		b.do(t, chromedp.Navigate(s.in("fr", "/insight/page/benefit?benefit="+benefit)))
		pdf := value(t, b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
		if pages := strings.Count(string(pdf), "/Type /Page\n"); pages != 1 {
			t.Errorf("%s has %d pages, want 1", benefit, pages)
		}
	}
}
