package browsing

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"stats-recorder/httpapi"
	"stats-recorder/service"
)

func TestTheTokenGuardsTheViewsAndNotTheAssets(t *testing.T) {
	s := started(t, func(c *service.Config) { c.ReadToken = "secret" })
	get := func(path, password string) (int, http.Header) {
		request, err := http.NewRequest(http.MethodGet, s.origin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			request.SetBasicAuth("anybody", password)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode, response.Header
	}
	for _, path := range paths {
		if status, header := get(path, ""); status != http.StatusUnauthorized || !strings.Contains(strings.Join(header.Values("WWW-Authenticate"), " "), "Basic") {
			t.Errorf("%s without a password is answered %d %q, want 401 and a question", path, status, header.Values("WWW-Authenticate"))
		}
		if status, _ := get(path, "secret"); status != http.StatusOK {
			t.Errorf("%s with the password is answered %d", path, status)
		}
	}
}

// lockedFailures are addresses that a server with a token keeps to itself, by name.
var lockedFailures = map[string]string{"password": "/insight/", "unshared": "/insight/?share=x", "expired": "/insight/?share=" + base64.RawURLEncoding.EncodeToString(
	append(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-time.Hour).Unix())), make([]byte, 32)...))}

func lockedSite(t *testing.T) *site {
	t.Helper()
	return started(t, func(c *service.Config) { c.ReadToken = "secret" })
}

// showLocked shows what a browser shows once its user has given no password. A browser
// without a screen shows nothing then, so that the page is written into another one.
func (b *tab) showLocked(t *testing.T, s *site, path string) {
	t.Helper()
	b.do(t, chromedp.Navigate(s.in("fr", "/nowhere")))
	b.do(t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`fetch(%q, {credentials: "omit", headers: {Accept: "text/html"}}).then(r => r.text()).then(h => { document.open(); document.write(h); document.close(); })`, s.in("fr", path))))
	b.await(t, "the failure is shown", `document.readyState === "complete" && document.querySelector(".q").innerText === "Erreur 401"`)
}

func TestWhoMayNotReadIsToldWhy(t *testing.T) {
	source, s := axe(t), lockedSite(t)
	b := open(t, s.origin)
	for name, path := range lockedFailures {
		b.showLocked(t, s, path)
		b.expectText(t, "h1", map[string]string{"password": "Mot de passe demandé", "unshared": "n’est pas valable", "expired": "n’est plus valable"}[name])
		b.expectAccessible(t, source, name)
		b.expectFailure(t, name)
	}
}

func TestASharedViewShowsNoLinksThatItCannotFollow(t *testing.T) {
	s := started(t, func(c *service.Config) { c.ReadToken = "secret" })
	s.fill(t, nil)
	b := open(t, s.origin)
	for name, path := range chosen() {
		link, err := httpapi.ShareLink("secret", s.in("fr", path), time.Now(), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b.do(t, chromedp.Navigate(link))
		b.expectText(t, "footer", "Adresse partagée, valable jusqu’au")
		for _, href := range eval[[]string](t, b, `[...document.querySelectorAll("a:not(.skip), form")].map(a => a.outerHTML.slice(0, 120))`) {
			if !strings.Contains(href, "data-read") {
				t.Errorf("%s, shared, still has %s", name, href)
			}
		}
		b.expectNothingWrong(t, name)
	}
}

func TestAnEmptyServerShowsACommandThatWorks(t *testing.T) {
	s := started(t, nil)
	b := open(t, s.origin)
	b.do(t, chromedp.Navigate(s.origin+"/")) // which leads to the page
	b.expectText(t, "h1", "Nothing has arrived yet")
	source := axe(t)
	for name, path := range chosen() {
		if name != "today" {
			b.do(t, chromedp.Navigate(s.in("fr", path)))
			b.expectAccessible(t, source, name+" of an empty server")
			b.expectNothingWrong(t, name)
		}
	}
	b.do(t, chromedp.Navigate(s.in("en", "/insight/")))
	b.expectAccessible(t, source, "an empty server")
	command := eval[string](t, b, `document.querySelector("pre").innerText`)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: the command is not pasted")
	}
	said, err := exec.Command("bash", "-c", strings.Replace(command, "curl ", "curl -s ", 1)).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "200 OK") {
		t.Fatalf("%s\nsays %s (%v), want 200", command, said, err)
	}
	if !eval[bool](t, b, `!!document.querySelector("[data-live]")`) { // nothing tells the page that something came
		b.do(t, chromedp.Reload())
	}
	b.await(t, "the page fills itself in", `!!document.body && !document.body.innerText.includes("Nothing has arrived yet") && document.readyState === "complete"`)
	b.expectText(t, ".phrase", "1 benefit shown")
	b.expectAccessible(t, source, "a server with one record")
}

// tinySite is a server with thirty pages of three benefits.
func tinySite(t *testing.T) *site {
	t.Helper()
	s := started(t, nil)
	var batch []string
	for page := range 30 {
		for k := range 3 {
			for _, event := range []string{"show", "showDetails"}[:1+page%2] {
				batch = append(batch, fmt.Sprintf(`{"benefit_id":"b%d","hash_id":"v%d","benefit_index":%d,"page_total":3,"event_type":%q}`, (page+k)%3, page, k+1, event))
			}
		}
	}
	s.post(t, "["+strings.Join(batch, ",")+"]")
	return s
}

func TestASmallServerSaysThatItIsSmall(t *testing.T) {
	s := tinySite(t)
	b := open(t, s.origin)
	for name, path := range paths {
		b.do(t, chromedp.Navigate(s.in("fr", path)))
		b.expectNothingWrong(t, name)
	}
	b.do(t, chromedp.Navigate(s.in("fr", paths["benefits"])))
	b.expectText(t, ".phrase", "30 pages : c’est peu")
	b.expectText(t, ".period", "tout ce qu’il y a, en attendant 7 jours entiers")
}
