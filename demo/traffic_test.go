package demo

import (
	"bytes"
	"testing"
	"time"

	"github.com/goccy/go-json"
)

func week() Traffic {
	to := time.Date(2026, 11, 26, 14, 30, 0, 0, time.UTC)
	return Traffic{Seed: 1, From: to.AddDate(0, 0, -7), To: to, PagesADay: 200}
}

func TestTheSameSeedMakesTheSameTraffic(t *testing.T) {
	t.Parallel()
	var all [2][]byte
	for i := range all {
		if err := week().Write(func(body []byte) error { all[i] = append(all[i], body...); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(all[0]) == 0 || !bytes.Equal(all[0], all[1]) {
		t.Errorf("two runs have %d and %d bytes, want the same and some", len(all[0]), len(all[1]))
	}
}

func TestRecordsAreInTheirTimeAndPlace(t *testing.T) {
	t.Parallel()
	w, records := week(), 0
	err := w.Write(func(body []byte) error {
		var batch []struct {
			ID    string `json:"benefit_id"`
			Index int    `json:"benefit_index"`
			Total int    `json:"page_total"`
			At    int64  `json:"created_at"`
		}
		if err := json.Unmarshal(body, &batch); err != nil {
			return err
		}
		for _, r := range batch {
			at := time.UnixMilli(r.At)
			if r.ID == "" || r.Index < 1 || r.Index > r.Total || at.Before(w.From) || at.After(w.To.Add(time.Hour)) {
				t.Errorf("%+v is not in its time and place", r)
			}
		}
		records += len(batch)
		return nil
	})
	if err != nil || records < 10_000 {
		t.Errorf("%d records and the error %v, want some thousands", records, err)
	}
}

func TestTheBenefitsAreSixHundredWithNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, b := range Benefits(1) {
		ids[b.ID] = true
		if b.Label == "" || b.Group == "" || b.Type == "" {
			t.Errorf("%q has no label, group or type", b.ID)
		}
	}
	if len(ids) != Number {
		t.Errorf("there are %d ids, want %d", len(ids), Number)
	}
}
