package contract

import (
	"net/http"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// pageSettings are the rows of allSettings about the page.
func pageSettings() []setting {
	return []setting{
		{variable: "SITE_TITLE", preset: "a general one", value: "Aides <à> tous", other: "x", shows: showsInPage("Aides &lt;à&gt; tous")},
		{variable: "TIME_ZONE", preset: `"Europe/Paris"`, value: "America/Martinique", other: "UTC", shows: showsInPage("America/Martinique"),
			bad: []string{"", "Local", "Paris", "../etc/passwd"}},
	}
}

// showsInPage requires text on the first view.
func showsInPage(text string) func(*testing.T, *blackbox.Program) {
	return func(t *testing.T, p *blackbox.Program) {
		if got := firstView(t, p); !strings.Contains(got.Body, text) {
			t.Errorf("%q is not on the page", text)
		}
	}
}

func TestSearchEnginesAreKeptOutUnlessTheyAreLetIn(t *testing.T) {
	t.Parallel()
	for _, let := range []string{"true", "false"} {
		got := firstView(t, blackbox.StartProgram(t, t.TempDir(), []string{"PAGE_INDEXABLE=" + let}))
		out := strings.Contains(got.Body, "noindex") && got.Header.Get("X-Robots-Tag") != ""
		if out == (let == "true") {
			t.Errorf("with PAGE_INDEXABLE=%s the page says %q", let, got.Header.Get("X-Robots-Tag"))
		}
	}
}

// firstView gets the page, which is no JSON as all else is.
func firstView(t *testing.T, p *blackbox.Program) blackbox.Reply {
	t.Helper()
	response, err := http.Get(p.URL + "/insight/")
	if err != nil {
		t.Fatal(err)
	}
	got := blackbox.ReadReply(t, response)
	if got.Status != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("the page is %d of %q, want HTML", got.Status, got.Header.Get("Content-Type"))
	}
	return got
}
