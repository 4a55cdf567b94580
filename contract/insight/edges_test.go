package insight

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

func TestAnEmptyServerHasEmptyTables(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	model := `"model":{"kind":"poisson-3","identified":false,"dispersion":1,"prior":{"shape":null,"rate":null},"cells":0,"left_out":[]}`
	window := func(stage string) string {
		return `{"window":{"start_at":null,"end_at":null,"version":2,"stage":` + stage + `,"cut":false},`
	}
	for table, want := range map[string]string{
		"benefits":  window(`"opened"`) + model + `,"benefits":[],"groups":[],"never":[]}`,
		"positions": window(`"opened"`) + model + `,"ranks":[],"lengths":[],"cells":[]}`,
		"timeline":  window(`"opened"`) + model + `,"step":"day","steps":[]}`,
	} {
		s.Get(t, "/insight/"+table).Expect(t, http.StatusOK, want)
	}
	if a, _ := get(t, s, "funnel"); a.Records.Shown != 0 || a.Records.OpenRate != nil || len(a.Benefits) != 0 {
		t.Errorf("the funnel is %+v", a)
	}
	if a, _ := get(t, s, "quality"); a.Pages != 0 || a.Balance != nil || a.KeptFrom != nil {
		t.Errorf("quality is %+v", a)
	}
}

func TestOneBenefitIsNoComparison(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, statistics{"A": {"show": {"2": {"1": 30, "2": 10}}, "showDetails": {"2": {"1": 20, "2": 2}}}})
	a, _ := get(t, s, "benefits")
	if row := a.Benefits[0]; a.Model.Identified || row.Merit != nil || row.Rank != nil || row.Verdict != nil || show(row.CTR) != "0.55" || len(row.CTRInterval) != 2 {
		t.Errorf("the row is %+v", row)
	}
	if a, _ := get(t, s, "positions"); a.Cells[0].Expected != nil {
		t.Errorf("the places are %+v, want nothing expected", a.Cells)
	}
	if a, _ := get(t, s, "timeline"); a.Steps[0].OOverE != nil || a.Steps[0].Clicks != 22 {
		t.Errorf("the timeline is %+v, want no ratio", a.Steps)
	}
}

// TestPlacesThatTellNothingApartAreNotIdentified has benefits that never meet in a place.
func TestPlacesThatTellNothingApartAreNotIdentified(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post(t, s, statistics{
		"A": {"show": {"2": {"1": 50}}, "showDetails": {"2": {"1": 20}}},
		"B": {"show": {"2": {"2": 50}}, "showDetails": {"2": {"2": 5}}},
	})
	a, _ := get(t, s, "benefits")
	if a.Model.Identified || a.Benefits[0].Merit != nil || a.Benefits[1].Merit != nil || show(a.Benefits[0].CTR) == "null" {
		t.Errorf("%+v, want rates and no merits", a)
	}
}

func TestClicksWithoutShowsAndBeyondThemAreKeptAndSaid(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	counts := confounded()
	counts["A"]["showDetails"]["5"] = map[string]int{"5": 7}                                                            // orphans
	counts["C"] = map[string]map[string]map[string]int{"show": {"2": {"1": 10}}, "showDetails": {"2": {"1": 25}}}       // repeated
	counts["D"] = map[string]map[string]map[string]int{"showDetails": {"2": {"1": 3}}}                                  // orphans only
	counts["__other__"] = map[string]map[string]map[string]int{"show": {"2": {"1": 4}}, "showDetails": {"2": {"1": 4}}} // of a full server
	post(t, s, counts)
	a, _ := get(t, s, "benefits?order=id")
	rows := map[string]int{}
	for i, row := range a.Benefits {
		rows[row.ID] = i
	}
	if row := a.Benefits[rows["A"]]; row.Clicks != 190 || row.Orphans != 7 {
		t.Errorf("A has %+v, want its orphans apart", row)
	}
	if row := a.Benefits[rows["C"]]; show(row.CTR) != "2.5" || row.CTRInterval != nil || row.Merit == nil {
		t.Errorf("C has %+v, want a rate above 1 without an interval, and a merit", row)
	}
	if row := a.Benefits[rows["D"]]; row.Shows != 0 || row.CTR != nil || row.Merit != nil || row.Orphans != 3 {
		t.Errorf("D has %+v, want orphans and nothing else", row)
	}
	if row := a.Benefits[rows["__other__"]]; row.Shows != 4 || row.Merit != nil {
		t.Errorf("__other__ has %+v, want a row that is not fitted", row)
	}
	if q, _ := get(t, s, "quality"); q.Orphans != 10 || q.RepeatedClicks != 15 || q.OtherShows != 4 {
		t.Errorf("quality is %+v", q)
	}
}

func TestNamesBeyondTheRoomAreOneRow(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.MaxBenefits = 2 })
	for _, name := range []string{"A", "B", "C", "D"} {
		post(t, s, statistics{name: {"show": {"2": {"1": 5}}}})
	}
	expectIDs(t, s, "benefits?order=shows", "__other__ A B")
	if q, _ := get(t, s, "quality"); q.OtherShows != 10 {
		t.Errorf("quality is %+v", q)
	}
}

// TestPlacesOfImportsBeyondTheContractAreInTheLastClass has pages of 1,023, which only an
// import may have.
func TestPlacesOfImportsBeyondTheContractAreInTheLastClass(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	lines := ""
	for _, place := range []int{1, 1000, 1001, 1023} {
		for _, benefit := range []string{"A", "B"} {
			for event, count := range map[string]int{"show": 100, "showDetails": 10} {
				lines += fmt.Sprintf(`{"day":"2026-01-31","benefit":%q,"event_type":%q,"version":2,"page_total":1023,"benefit_index":%d,"count":%d}`+"\n", benefit, event, place, count)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := blackbox.Run(t, []string{"DATA_DIR=" + directory}, "import", file); got.Code != 0 {
		t.Fatalf("%+v", got)
	}
	s := blackbox.StartServer(t, func(c *service.Config) { c.DataDir = directory })
	a, _ := get(t, s, "positions?start_at=2026-01-31&end_at=2026-02-01")
	last := a.Ranks[len(a.Ranks)-1]
	if len(a.Cells) != 4 || a.Cells[3].PageTotal != 1023 || a.Cells[3].BenefitIndex != 1023 || last.To != 1023 || last.Shows != 600 {
		t.Errorf("cells are %+v, the last class is %+v", a.Cells, last)
	}
	if b, _ := get(t, s, "benefits"); !b.Model.Identified || show(b.Benefits[0].Merit) != "1" {
		t.Errorf("benefits are %+v", b)
	}
	if q, _ := get(t, s, "quality"); show(q.Balance) != "1" {
		t.Errorf("the balance is %s, want that no place but the four was shown", show(q.Balance))
	}
}

func TestWhatRetentionHasTakenIsInNoWindowAndSaidSo(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.MaxEventAge, c.SnapshotInterval = 0, 5*time.Millisecond })
	day := func(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }
	at := func(ago int) blackbox.Fields { return blackbox.Fields{"created_at": blackbox.Quote(day(ago))} }
	post(t, s, statistics{"old": {"show": {"1": {"1": 1}}}}, at(100))
	post(t, s, statistics{"recent": {"show": {"1": {"1": 1}}}}, at(5))
	expectIDs(t, s, "benefits?order=id&start_at="+day(100), "old recent")
	s.Stop()
	s.Config.Retention = 30 * 24 * time.Hour
	s.Start(t)
	a, reply := get(t, s, "benefits?start_at="+day(100))
	reply.ExpectHeader(t, "Retention-Start-At", day(30)+"T00:00:00Z")
	if a.ids() != "recent" || !a.Window.Cut || *a.Window.StartAt != day(30)+"T00:00:00Z" {
		t.Errorf("the window is %+v with %s", a.Window, a.ids())
	}
	expectIDs(t, s, "benefits?order=id", "old recent") // of all time, as /statistics
	if q, _ := get(t, s, "quality"); q.KeptFrom == nil || *q.KeptFrom != day(30) {
		t.Errorf("kept from %v, want %s", q.KeptFrom, day(30))
	}
	if timeline, _ := get(t, s, "timeline"); timeline.Steps[0].StartAt < day(30) || timeline.Steps[len(timeline.Steps)-1].Shows != 1 {
		t.Errorf("the days are %+v, want those that are kept", timeline.Steps)
	}
}

func TestLabelsAreReadAgainOnHangupAndABadFileChangesNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "labels.csv")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("id,label,group\nRSA,Revenu,CAF\nAPL,Logement,CAF\nnever,Jamais,CAF\nelse,,other\n")
	p := blackbox.StartProgram(t, t.TempDir(), []string{"LABELS_FILE=" + file})
	post(t, p.Server, statistics{"RSA": {"show": {"2": {"1": 3}}}, "APL": {"show": {"2": {"2": 2}}}, "unknown": {"show": {"2": {"2": 1}}}})
	labelled := func() string {
		a, _ := get(t, p.Server, "benefits?order=id&group=CAF")
		text := a.ids() + ":"
		for _, row := range a.Benefits {
			text += " " + *row.Label
		}
		for _, never := range a.Never {
			text += " -" + never.ID
		}
		return text
	}
	if got, want := labelled(), "APL RSA: Logement Revenu -never"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	expectIDs(t, p.Server, "funnel?group=CAF", "RSA APL")
	hangUp := func(message string) {
		t.Helper()
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.Await(t, message)
	}
	write("id,label\nRSA,\xff\n")
	hangUp("not reloaded, so the old one stays")
	if !strings.Contains(p.Log.String(), "line 2: is not UTF-8") {
		t.Errorf("the log does not say what is wrong:\n%s", p.Log)
	}
	if got, want := labelled(), "APL RSA: Logement Revenu -never"; got != want {
		t.Errorf("after a bad file %s, want %s", got, want)
	}
	if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	hangUp("not reloaded, so the old one stays") // and nobody waits for who writes to it
	harnesstest.Until(t, "the log says what is wrong", func() bool { return strings.Contains(p.Log.String(), "is no regular file") })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	write("id,label,group\nRSA,Solidarité,CAF\n")
	hangUp("reloaded")
	harnesstest.Until(t, "the new labels are answered", func() bool { return labelled() == "RSA: Solidarité" })
}
