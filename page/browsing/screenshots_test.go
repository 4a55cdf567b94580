package browsing

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// shots is where screenshots are kept; empty for nowhere.
var shots = flag.String("screenshots", "", "directory in which to keep screenshots of all views")

// paths are the views by name.
var paths = map[string]string{
	"today": "/insight/", "benefits": "/insight/page/benefits", "positions": "/insight/page/positions", "gap": "/insight/page/positions?map=gap",
	"benefit": "/insight/page/benefit?benefit=mobili_jeune", "funnel": "/insight/page/funnel", "experiments": "/insight/page/experiments", "quality": "/insight/page/quality",
	"compared": "/insight/page/benefits?compare=before&group=Caf", "low": "/insight/page/benefits?under=1", "dates": "/insight/page/positions?days=dates&stage=acted&compare=before",
	"experiment": "/insight/page/experiments?experiment=aides_bafa", "never": "/insight/page/benefits?never=1",
}

// chosen are all views, or but one state of each where time matters more.
func chosen() map[string]string {
	few := maps.Clone(paths)
	if !long {
		maps.DeleteFunc(few, func(name, _ string) bool {
			return slices.Contains([]string{"gap", "compared", "low", "dates", "never"}, name)
		})
	}
	return few
}

// failures are addresses that nothing is shown at, by name.
var failures = map[string]string{"missing": "/nowhere", "parameters": "/insight/benefits?start_at=yesterday"}

// shoot keeps what the tab shows of some addresses of a site.
func (b *tab) shoot(t *testing.T, s *site, prefix, lang string, l look, addresses map[string]string) {
	t.Helper()
	b.as(t, l)
	for name, path := range addresses {
		b.do(t, chromedp.Navigate(s.in(lang, path)))
		file := filepath.Join(*shots, fmt.Sprintf("%s%s-%s-%d-%s.png", prefix, name, lang, l.width, l))
		if err := os.WriteFile(file, value(t, b, chromedp.FullScreenshot(100)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestScreenshots(t *testing.T) {
	if *shots == "" {
		t.Skip("no directory was named: see make screenshots")
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	wide, dark, narrow := look{width: 1280, scheme: "light"}, look{width: 1280, scheme: "dark"}, look{width: 320, scheme: "light"}
	s := demonstration(t)
	b := open(t, s.origin)
	for _, lang := range []string{"fr", "en"} {
		for _, l := range []look{wide, dark, narrow, {width: 320, scheme: "dark"}, {width: 1280, scheme: "light", forced: true}, {width: 1280, scheme: "light", zoom: 2}} {
			b.shoot(t, s, "", lang, l, paths)
			b.shoot(t, s, "failed-", lang, l, failures)
		}
	}
	for prefix, other := range map[string]*site{"empty-": started(t, nil), "tiny-": tinySite(t), "hostile-": hostileSite(t)} {
		tab := open(t, other.origin)
		tab.shoot(t, other, prefix, "fr", wide, paths)
		tab.shoot(t, other, prefix, "en", narrow, paths)
	}
	locked := lockedSite(t)
	tab := open(t, locked.origin)
	tab.as(t, wide)
	for name, path := range lockedFailures {
		tab.showLocked(t, locked, path)
		if err := os.WriteFile(filepath.Join(*shots, "failed-"+name+"-fr-1280-light.png"), value(t, tab, chromedp.FullScreenshot(100)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// mapPicture is where the picture of the map is kept; empty for nowhere.
var mapPicture = flag.String("map-picture", "", "file in which to keep the picture of the map")

func TestMapPicture(t *testing.T) {
	if *mapPicture == "" {
		t.Skip("no file was named: see make map-picture")
	}
	s := demonstration(t)
	b := open(t, s.origin)
	b.as(t, look{width: 1120, scheme: "light", density: 1.5})
	b.do(t, chromedp.Navigate(s.in("en", paths["positions"])))
	b.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("header.top, nav, .filters, .acts, .seg, footer, .skip, details, .caveat").forEach(e => e.remove())`))
	if err := os.WriteFile(*mapPicture, value(t, b, chromedp.Screenshot("main", chromedp.NodeVisible)), 0o644); err != nil {
		t.Fatal(err)
	}
}
