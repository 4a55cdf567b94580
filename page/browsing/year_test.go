//go:build long

package browsing

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"stats-recorder/demo"
)

// TestAYearIsAnsweredInTime asks for each view of 600 benefits over 365 days, once the
// counts of that window are kept.
func TestAYearIsAnsweredInTime(t *testing.T) {
	const asks, most = 40, 200 * time.Millisecond
	s := started(t, nil)
	now := time.Now().UTC()
	if err := demo.Post(context.Background(), s.origin, demo.Traffic{Seed: seed, From: now.AddDate(-1, 0, 0), To: now, PagesADay: 600}); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"today": "/insight/?", "benefits": "/insight/page/benefits?", "positions": "/insight/page/positions?", "benefit": "/insight/page/benefit?benefit=mobili_jeune&",
		"funnel": "/insight/page/funnel?", "experiments": "/insight/page/experiments?", "quality": "/insight/page/quality?"} {
		var took []time.Duration
		for i := range asks + 1 {
			began := time.Now()
			response, err := http.Get(s.origin + path + "days=365")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if i > 0 { // the first one makes what is kept
				took = append(took, time.Since(began))
			}
		}
		slices.Sort(took)
		p95 := took[asks*95/100]
		t.Logf("%s: median %v, p95 %v", name, took[asks/2].Round(time.Millisecond/10), p95.Round(time.Millisecond/10))
		if p95 > most {
			t.Errorf("%s takes %v at p95, want at most %v", name, p95, most)
		}
	}
}
