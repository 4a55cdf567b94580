package browsing

import (
	"testing"

	"github.com/chromedp/chromedp"

	"stats-recorder/service"
)

func TestNumbersComeByThemselvesAndCanBePaused(t *testing.T) {
	s := started(t, nil)
	s.fill(t, nil)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", "/insight/")))
	b.await(t, "the last record is told", `document.querySelector("[data-live-text]").textContent.includes("il y a")`)
	b.do(t, chromedp.Click("[data-live-pause]"))
	b.expectText(t, "[data-live-pause]", "Reprendre")
	b.do(t, chromedp.Click("[data-live-pause]"))
	b.expectText(t, "[data-live-pause]", "Suspendre")
	b.expectNothingWrong(t, "today")
}

func TestAServerThatIsAwayIsSaidToBe(t *testing.T) {
	if !long {
		t.Skip("it takes half a minute: go test -tags long")
	}
	s, err := start(t.TempDir(), func(c *service.Config) { c.SiteTitle = "x" })
	if err != nil {
		t.Fatal(err)
	}
	s.fill(t, nil)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", "/insight/")))
	b.await(t, "the last record is told", `document.querySelector("[data-live-text]").textContent.includes("il y a")`)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	b.await(t, "the loss is told", `document.querySelector("[data-live-text]").textContent.includes("Liaison coupée")`)
	b.await(t, "the banner says since when", `/coupée depuis \d\d:\d\d/.test(document.querySelector("[data-lost-title]").textContent) && !document.querySelector("[data-lost-banner]").hidden`)
}
