package browsing

import (
	"fmt"
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
	const read = `Object.fromEntries([...document.querySelectorAll("[data-counts]")].map(e => [e.dataset.counts, +e.textContent.replace(/\D/g, "")]))`
	made := eval[map[string]int](t, b, read)
	b.do(t, chromedp.Evaluate[chromedp.Void](`window.same = true`))
	s.fill(t, nil)
	for name, n := range made {
		b.await(t, name+" doubles", fmt.Sprintf(`(%s).%s === %d`, read, name, 2*n))
	}
	if len(made) != 3 || made["shown"] == 0 || made["opened"] == 0 || !eval[bool](t, b, `window.same`) {
		t.Errorf("the numbers %v moved by a reload or are not all there", made)
	}
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
	b, other := open(t, s.origin), open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", "/insight/")))
	other.do(t, chromedp.Navigate(s.in("en", paths["benefits"])))
	b.await(t, "the last record is told", `document.querySelector("[data-live-text]").textContent.includes("il y a")`)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	b.await(t, "the loss is told", `document.querySelector("[data-live-text]").textContent.includes("Liaison coupée")`)
	b.await(t, "the banner says since when", `/coupée depuis \d+\u00a0h\u00a0\d\d/.test(document.querySelector("[data-lost-title]").textContent) && !document.querySelector("[data-lost-banner]").hidden`)
	other.await(t, "another view says so too", `/lost since \d\d:\d\d/.test(document.querySelector("[data-lost-title]").textContent) && document.querySelector("[data-lost-banner]").innerText.includes("Last record")`)
}
