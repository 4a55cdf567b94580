package draw

import (
	"encoding/xml"
	"errors"
	"flag"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the pictures that are drawn as those that are wanted")

// hostileText must come out as text.
const hostileText = `<script>"x" & 'y'</script>`

// drawn are pictures of every kind, hostile text among their words.
func drawn() map[string]template.HTML {
	names := Names{ID: "one", Title: "Title " + hostileText, Description: hostileText}
	merits := []Tick{{0.25, "0,25"}, {1, "1"}, {4, hostileText}}
	weeks := []Week{{"1 Sep", Interval{0.8, 1, 1.25}}, {"8 Sep", Interval{math.NaN(), math.NaN(), math.NaN()}}, {hostileText, Interval{0.1, 1.4, 9}}}
	hours := make([]HourOfDay, 24)
	for i := range hours {
		hours[i] = HourOfDay{Now: float64(i * 3), Low: float64(i), Median: float64(2 * i), High: float64(4 * i)}
		if i > 14 {
			hours[i].Now = math.NaN()
		}
	}
	cells := []MapCell{{0, 0, 100, 20, 18, 0.13, 0.29, 4, false}, {1, 0, 90, 8, 9, 0.05, 0.17, 3, false}, {1, 1, 12, 0, math.NaN(), 0, 0.24, 0, true}}
	heat := HeatMap{Names: names, Columns: []MapColumn{{1, 1}, {35, 38}}, Rows: []MapRow{{1, 1, "1re", "15 %"}, {2, 2, hostileText, "–"}}, Cells: cells, Ramp: "h", Across: hostileText, Marked: &cells[1]}
	return map[string]template.HTML{
		"marks": Marks, "axis": MeritScale.ScaleAxis(merits), "share-axis": ShareAxis(), "usual-axis": UsualAxis("−40 %", hostileText),
		"forest":        MeritScale.Row(Interval{1.2, 1.9, 2.8}, merits, 1, "above"),
		"forest-beyond": MeritScale.Row(Interval{0, 0.01, 80}, merits, 1, "unsure"),
		"share":         Share(Interval{0.2, 0.31, 0.45}),
		"share-alone":   Share(Interval{math.NaN(), 1.7, math.NaN()}),
		"usual":         Usual(432, 360, 408, 470), "usual-nothing": Usual(1, 0, 0, 0),
		"funnel":     Funnel(names, []FunnelBar{{"Shown", "100", "", "↓ 44", 1}, {hostileText, "56", "56 %", "", 0.56}, {"More", "120", "120 %", "", 1.2}}),
		"visibility": Visibility(names, 260, []Visible{{1, Interval{1, 1, 1}, "1"}, {2, Interval{0.5, 0.6, 0.7}, hostileText}, {12, Interval{0.1, 0.2, 0.3}, ""}}, []Visible{{1, Interval{Middle: 1}, ""}, {2, Interval{Middle: 0.55}, ""}}, []Tick{{1, "1re"}, {10, "10e"}}, []Tick{{0, "0"}, {1, "1"}}),
		"weeks":      Weeks(names, weeks, []Tick{{0.5, "0,5"}, {1, "1"}, {2, "2"}}),
		"hours":      Hours(names, hours, []Tick{{0, "0"}, {50, "50"}}, []Tick{{0, "0 h"}, {24, "24 h"}}, hostileText, "usual"),
		"lift":       Lift(names, []Looked{{Interval{-0.4, 0.1, 0.6}, Interval{-0.2, 0.1, 0.4}}, {Interval{-0.1, 0.05, 0.2}, Interval{0, 0.05, 0.1}}}, []Tick{{-0.3, "−30 %"}, {0, "0"}, {0.3, "+30 %"}}, []Tick{{0, "1"}, {1, hostileText}}, [3]string{"−10 %", "+5 %", "+20 %"}),
		"days":       Days(names, []Bar{{100, "1", false}, {50, hostileText, true}}, []float64{80, 90}),
		"places":     Places(names, []float64{0.1, 0.3, 0.6}, 3, []Tick{{1, "1re"}}, []Tick{{0.6, "60 %"}, {0, "0"}}, hostileText),
		"map":        heat.Draw(),
		"key":        Key("h", hostileText, []string{"0", hostileText}, "few"),
	}
}

func TestPicturesAreDrawnAsWanted(t *testing.T) {
	t.Parallel()
	for name, picture := range drawn() {
		path := filepath.Join("testdata", name+".svg")
		got := strings.ReplaceAll(string(picture), "><", ">\n<") + "\n"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is drawn otherwise; look at it, then: go test ./page/draw -update\n%s", name, got)
		}
	}
}

func TestPicturesAreWellFormedAndHoldNoForeignElement(t *testing.T) {
	t.Parallel()
	for name, picture := range drawn() {
		decoder := xml.NewDecoder(strings.NewReader("<x>" + string(picture) + "</x>"))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%s is not well-formed: %v", name, err)
				break
			}
			if start, ok := token.(xml.StartElement); ok {
				if start.Name.Local == "script" {
					t.Errorf("%s holds a script", name)
				}
				for _, attribute := range start.Attr {
					if attribute.Name.Local == "style" || strings.HasPrefix(attribute.Name.Local, "on") {
						t.Errorf("%s has the attribute %s, which the policy forbids", name, attribute.Name.Local)
					}
				}
			}
		}
	}
}

func TestPicturesOfNothingAreDrawn(t *testing.T) {
	t.Parallel()
	names := Names{ID: "n", Title: "n", Description: "n"}
	for _, picture := range []template.HTML{HeatMap{Names: names, Ramp: "h"}.Draw(), Weeks(names, nil, nil), Hours(names, nil, nil, nil, "", ""), Days(names, nil, nil), Places(names, nil, 0, nil, nil, ""), Visibility(names, 260, nil, nil, nil, nil), Funnel(names, nil)} {
		if strings.Contains(string(picture), "NaN") || strings.Contains(string(picture), "Inf") || strings.Contains(string(picture), "%!") {
			t.Errorf("it is %s", picture)
		}
	}
}
