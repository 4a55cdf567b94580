package browsing

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// await waits until an expression is true in the page.
func (b *tab) await(t *testing.T, what, expression string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if eval[bool](t, b, expression) {
			return
		}
	}
	t.Fatalf("it never came that %s", what)
}

// awaitLocation waits until the address has something in it, also without a script.
func (b *tab) awaitLocation(t *testing.T, part string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if strings.Contains(value(t, b, chromedp.Location()), part) {
			return
		}
	}
	t.Fatalf("the address never has %s in it", part)
}

func (b *tab) expectText(t *testing.T, selector, want string) {
	t.Helper()
	// What spaces do not break is of no matter here.
	if got := eval[string](t, b, fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? "").replace(/[\u00a0\u202f]/g, " ")`, selector)); !strings.Contains(got, want) {
		t.Errorf("%s says %q, want %q in it", selector, got, want)
	}
}

func TestATableIsSortedByItsHeadings(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	values := func(column int) []float64 {
		return eval[[]float64](t, b, fmt.Sprintf(`[...document.querySelectorAll("table[data-sortable] tbody tr")].map(r => +r.dataset.v.split("|")[%d])`, column))
	}
	b.do(t, chromedp.Navigate(s.in("fr", paths["benefits"]+"?group=Caf")))
	b.do(t, chromedp.Click("table[data-sortable] th:nth-child(3) button"))
	if got := values(2); len(got) < 2 || !slices.IsSortedFunc(got, func(a, b float64) int { return int(b - a) }) {
		t.Errorf("by shows they are in the order %v", got)
	}
	b.expectText(t, "[data-said]", "Trié par Affichages")
	if got := eval[string](t, b, `document.querySelector("table[data-sortable] th:nth-child(3)").getAttribute("aria-sort")`); got != "descending" {
		t.Errorf("aria-sort is %q, want descending", got)
	}
	b.do(t, chromedp.Navigate(s.in("fr", paths["benefits"]))) // which shows a part, so that the server sorts
	b.do(t, chromedp.Click("table[data-sortable] th:nth-child(3) button"))
	b.await(t, "the server has sorted", `location.search.includes("order=shows") && document.readyState === "complete"`)
	if got := values(2); !slices.IsSortedFunc(got, func(a, b float64) int { return int(b - a) }) {
		t.Errorf("by shows the server gives the order %v", got)
	}
}

func TestTheMapIsReadByPointerKeysAndNumbers(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", paths["positions"]+"?page_total=12&benefit_index=3")))
	b.expectText(t, "[data-out]", "3e place d’une page de 12 aides")
	b.do(t, chromedp.Focus("svg[data-map]"), chromedp.KeyEvent("\u0303")) // arrow right
	b.expectText(t, "[data-out]", "3e place d’une page de 13 aides")
	b.do(t, chromedp.KeyEvent("\u0301")) // arrow down
	b.expectText(t, "[data-out]", "4e place d’une page de 13 aides")
	b.do(t, chromedp.Evaluate[chromedp.Void](`{ const f = document.querySelector("[data-read]"); f.page_total.value = 5; f.benefit_index.value = 9; f.dispatchEvent(new Event("input")); }`))
	b.expectText(t, "[data-out]", "Aucune page de cette longueur")
	b.do(t, chromedp.Evaluate[chromedp.Void](`{ const m = document.querySelector("svg[data-map]"), r = m.getBoundingClientRect(); m.dispatchEvent(new PointerEvent("pointermove", {pointerType: "mouse", clientX: r.left + r.width / 2, clientY: r.top + 5})); }`))
	b.expectText(t, "[data-out]", "1re place")
	b.expectText(t, "[data-out]", "Le modèle en attendait")
	b.expectNothingWrong(t, "the map")
}

func TestTheDemonstrationHasClearFindings(t *testing.T) {
	if !long {
		t.Skip("the traffic of the short tests is too thin: go test -tags long")
	}
	s := demonstration(t)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", "/insight/")))
	for _, want := range []string{"L’écart se concentre entre 10 h et 17 h.", "Mobili-Jeune est ouverte", "aides_bafa : plus d’ouvertures avec « fusionnées », on peut arrêter", "plans_to_ask_question : tirage déséquilibré"} {
		b.expectText(t, ".findings", want)
	}
	b.do(t, chromedp.Navigate(s.in("fr", paths["low"])))
	b.expectText(t, ".phrase", "1 aide intéresse plus que la moyenne")
	b.do(t, chromedp.Navigate(s.in("en", paths["funnel"])))
	if caveats := eval[string](t, b, `[...document.querySelectorAll(".caveat")].map(e => e.innerText).join(" ")`); strings.Contains(caveats, "known of") {
		t.Errorf("some days have no visitors: %s", caveats)
	}
}

func TestTheThemeIsKept(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", paths["quality"])), chromedp.Click("[data-theme-switch]"), chromedp.Click("[data-theme-switch]"))
	b.expectText(t, "[data-theme-switch]", "sombre")
	b.do(t, chromedp.Navigate(s.in("fr", paths["funnel"])))
	if got := eval[string](t, b, `document.documentElement.dataset.theme`); got != "dark" {
		t.Errorf("on the next view the theme is %q, want dark", got)
	}
	b.do(t, chromedp.Evaluate[chromedp.Void](`localStorage.clear()`))
}

func TestEverythingIsThereWithoutAScript(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	call(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	for name, path := range paths {
		b.do(t, chromedp.Navigate(s.in("fr", path)))
		if html := value(t, b, chromedp.OuterHTML("main")); !strings.Contains(html, `class="phrase"`) {
			t.Errorf("%s has no sentence without a script", name)
		}
	}
	b.do(t, chromedp.Navigate(s.in("fr", paths["benefits"])), chromedp.Click("table[data-sortable] th:nth-child(4) a"))
	b.awaitLocation(t, "order=clicks")
	b.do(t, chromedp.Navigate(s.in("fr", paths["positions"])), chromedp.SetValue("#page_total", "9"), chromedp.SetValue("#benefit_index", "2"), chromedp.Click(".read button"))
	b.awaitLocation(t, "page_total=9&benefit_index=2")
	b.do(t, chromedp.WaitReady("footer"))
	if html := value(t, b, chromedp.OuterHTML("[data-out]")); !strings.Contains(html, "2<sup>e</sup> place d’une page de 9 aides") {
		t.Errorf("the form reads %s", html)
	}
}

func TestTheKeyboardReachesEverything(t *testing.T) {
	s := demonstration(t)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.in("fr", paths["positions"])))
	var reached []string
	for range 40 {
		b.do(t, chromedp.KeyEvent("\t"))
		reached = append(reached, eval[string](t, b, `(e => e.className + " " + e.tagName + " " + (e.name || "") + (e.hasAttribute("data-map") ? " map" : "") + " " + (getComputedStyle(e).outlineStyle !== "none"))(document.activeElement)`))
	}
	all := strings.Join(reached, "\n")
	for _, want := range []string{"skip A", "SELECT days", "SELECT stage", "btn BUTTON", " map", "INPUT page_total", "SUMMARY"} {
		if !strings.Contains(all, want) && !strings.Contains(strings.ToLower(all), strings.ToLower(want)) {
			t.Errorf("the tab key does not reach %q:\n%s", want, all)
		}
	}
	if strings.Contains(strings.ReplaceAll(all, "BODY  false", ""), " false") { // the body is the end of the page
		t.Errorf("something has no visible focus:\n%s", all)
	}
}

func TestAViewIsSmallOverTheWire(t *testing.T) {
	const mostBytes, mostScript = 150 << 10, 12 << 10
	s := demonstration(t)
	fetch := func(address string) (bytes int, body string) {
		request, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "gzip")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		wire := &counting{Reader: response.Body}
		unzipped, err := gzip.NewReader(wire)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		text, err := io.ReadAll(unzipped)
		if err != nil {
			t.Fatal(err)
		}
		return wire.n, string(text)
	}
	for name, path := range paths {
		sum, body := fetch(s.in("fr", path))
		for _, part := range strings.Split(body, `"`) {
			if strings.HasPrefix(part, "/insight/assets/") && !strings.HasSuffix(part, ".svg") {
				n, asset := fetch(s.origin + part)
				sum += n
				if strings.HasSuffix(part, ".js") && len(asset) > mostScript {
					t.Errorf("the script has %d bytes, want at most %d", len(asset), mostScript)
				}
			}
		}
		if sum > mostBytes {
			t.Errorf("%s takes %d bytes over the wire, want at most %d", name, sum, mostBytes)
		}
		t.Logf("%s takes %d bytes", name, sum)
	}
}

// counting counts what is read through it.
type counting struct {
	io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}
