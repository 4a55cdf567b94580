package browsing

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

func TestScreenshots(t *testing.T) {
	if *shots == "" {
		t.Skip("no directory was named: see make screenshots")
	}
	s := demonstration(t)
	b := open(t, s.origin)
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"fr", "en"} {
		for _, l := range []look{{width: 1280, scheme: "light"}, {width: 1280, scheme: "dark"}, {width: 320, scheme: "light"}, {width: 320, scheme: "dark"}, {width: 1280, scheme: "light", forced: true}} {
			b.as(t, l)
			for name, path := range paths {
				sign := "?"
				if strings.Contains(path, "?") {
					sign = "&"
				}
				b.do(t, chromedp.Navigate(s.origin+path+sign+"lang="+lang))
				picture := value(t, b, chromedp.FullScreenshot(100))
				file := filepath.Join(*shots, fmt.Sprintf("%s-%s-%d-%s.png", name, lang, l.width, l))
				if err := os.WriteFile(file, picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
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
