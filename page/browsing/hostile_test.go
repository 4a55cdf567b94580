package browsing

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"stats-recorder/service"
)

// hostile are names that strangers may give to anything.
var hostile = []string{
	`<script>window.attacked=1</script>`,
	`"><img src=x onerror="window.attacked=1">`,
	`'><svg onload=window.attacked=1>`,
	`</title></style></textarea></select><script>window.attacked=1</script>`,
	`javascript:window.attacked=1`,
	`{{.}} {n} ${window.attacked=1} **gras**`,
	`" autofocus onfocus="window.attacked=1`,
	"\u202Eevitagen\u2066\u200F\u202D",
	strings.Repeat("🧨", 64),
	"nul\x00\x01\x1b[31m\r\nSet-Cookie: a=b",
	strings.Repeat("w", 256),
	"a|b;c,d\t\"e\"",
	"../../etc/passwd?x=1#y&lang=en",
}

// hostileSite is a server whose benefits, labels, groups, variants and event types are
// hostile, with enough of them to be compared.
func hostileSite(t *testing.T) *site {
	t.Helper()
	labels := filepath.Join(t.TempDir(), "labels.csv")
	file, err := os.Create(labels)
	if err != nil {
		t.Fatal(err)
	}
	lines := csv.NewWriter(file)
	rows := [][]string{{"id", "label", "group", "type"}}
	for i, name := range hostile {
		if i%2 == 0 && !strings.ContainsAny(name, "\x00\r\n\t") {
			rows = append(rows, []string{name, name, name, name})
		}
	}
	if err := lines.WriteAll(append(rows, []string{hostile[0] + "never", hostile[1], hostile[2], hostile[3]})); err != nil {
		t.Fatal(err)
	}
	file.Close()
	// Event types have no spaces and no commas.
	events := []string{`<script>window.attacked=1</script>`, `"><svg/onload="window.attacked=1">`, `javascript:window.attacked=1`}
	s := started(t, func(c *service.Config) { c.LabelsFile, c.SiteTitle, c.EventTypes = labels, hostile[1], events })
	s.fill(t, events)
	return s
}

// fill posts pages on which the hostile names stand in turn, and openings of them.
func (s *site) fill(t *testing.T, events []string) {
	t.Helper()
	var records []map[string]any
	n := len(hostile)
	for page := range 60 {
		for k := range n {
			r := map[string]any{"benefit_id": hostile[(page+k*k)%n], "hash_id": fmt.Sprintf("v%d", page), "benefit_index": k + 1, "page_total": n, "event_type": "show",
				"abtesting": map[string]string{hostile[page%2][:10]: hostile[2+page%3][:12]}}
			records = append(records, r)
			if (page*7+k)%(k+2) == 0 {
				opened := map[string]any{}
				for name, value := range r {
					opened[name] = value
				}
				opened["event_type"] = append([]string{"showDetails", "showDetails", "link"}, events...)[(page+k)%(3+len(events))]
				records = append(records, opened)
			}
		}
	}
	for len(records) > 0 {
		some := records[:min(len(records), 200)]
		records = records[len(some):]
		body, err := json.Marshal(some)
		if err != nil {
			t.Fatal(err)
		}
		s.post(t, string(body))
	}
}

func TestNoNameRunsAScriptOrBreaksTheLayout(t *testing.T) {
	s := hostileSite(t)
	b := open(t, s.origin)
	var addresses []string
	for _, path := range paths {
		addresses = append(addresses, s.in("fr", path))
	}
	for i, name := range hostile {
		q := url.QueryEscape(name)
		addresses = append(addresses, s.origin+"/insight/page/benefit?benefit="+q)
		for j, parameter := range []string{"lang", "days", "start_at", "version", "stage", "group", "search", "compare", "order", "limit", "never", "map", "page_total", "benefit", "control", "mde", "share", "x"} {
			if long || (i+j)%6 == 0 {
				addresses = append(addresses, s.origin+[]string{"/insight/", paths["benefits"], paths["positions"], paths["funnel"], paths["experiments"], paths["quality"]}[(i+j)%6]+"?"+parameter+"="+q)
			}
		}
	}
	failing := map[string]bool{}
	for i, name := range hostile {
		q := url.QueryEscape(name)
		for j, address := range []string{"/insight/page/" + url.PathEscape(name), "/insight/benefits?start_at=" + q, "/nowhere?lang=" + q + "&benefit=" + q + "&share=" + q} {
			if long || (i+j)%3 == 0 {
				failing[s.origin+address] = true
				addresses = append(addresses, s.origin+address)
			}
		}
	}
	var wide []string
	for _, path := range chosen() {
		wide = append(wide, s.in("en", path))
	}
	for i, address := range append(wide, addresses...) {
		if i == 0 {
			b.as(t, look{width: 1280, scheme: "light"})
		} else if i == len(wide) {
			b.as(t, look{width: 320, scheme: "light"})
		}
		b.do(t, chromedp.Navigate(address))
		if attacked := eval[bool](t, b, `"attacked" in window || !!document.querySelector("main img, main iframe, main [onload], main [onerror], main [onfocus], a[href^='javascript:'], base, script:not([src^='/insight/assets/'])")`); attacked {
			t.Errorf("%.150s runs a script of a stranger", address)
		}
		if wide := eval[int](t, b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("%.150s is %d pixels too wide: %s", address, wide, eval[string](t, b, widest))
		}
		if whole := eval[bool](t, b, `!!document.querySelector("footer.foot") && !!document.querySelector("main h1") && document.querySelectorAll("main").length === 1`); !whole {
			t.Errorf("%.150s has lost its frame", address)
		}
		if failing[address] {
			b.expectFailure(t, address)
		} else {
			b.expectNothingWrong(t, address[:min(len(address), 150)])
		}
	}
}

func TestQueriesThatMakeNoSenseAreAnsweredLikeNone(t *testing.T) {
	s := demonstration(t)
	names := slices.Sorted(maps.Keys(paths))
	for i, query := range []string{"days=-5", "days=1e9", "start_at=x&end_at=y", "start_at=9999-12-31", "start_at=2026-11-20&end_at=2026-11-01", "end_at=1970-01-01", "version=99999", "version=7",
		"page_total=99999&benefit_index=-1", "order=drop+table", "limit=0", "mde=NaN", "mde=-1", "control=x", "benefit=" + strings.Repeat("x", 3000), "compare=before&days=365", "days=all&stage=acted&compare=before", "%ff=%fe&lang=%00"} {
		for j, name := range names {
			if !long && (i+j)%3 != 0 {
				continue
			}
			path, _, _ := strings.Cut(paths[name], "?")
			response, err := http.Get(s.origin + path + "?" + query)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s?%.60s is answered %d, want 200", path, query, response.StatusCode)
			}
			if response.Header.Get("Set-Cookie") != "" || !strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "default-src 'none'; ") {
				t.Errorf("%s?%.60s sets %q under the policy %q", path, query, response.Header.Get("Set-Cookie"), response.Header.Get("Content-Security-Policy"))
			}
		}
	}
}
