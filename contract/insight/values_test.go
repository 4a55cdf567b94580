package insight

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

// object is a JSON object, or a row by the names of its columns.
type object = map[string]any

// flat is an object as a row: what is in the objects in it, and the ends of its intervals, is in
// columns of their own. An interval without a name of its own is that of the number in bare.
func flat(from object, bare string) object {
	row := object{}
	ends := func(name, low, high string, value any) {
		row[name+low], row[name+high] = nil, nil
		if list, known := value.([]any); known {
			row[name+low], row[name+high] = list[0], list[1]
		}
	}
	for name, value := range from {
		below, is := value.(object)
		base, interval := strings.CutSuffix(name, "_interval")
		switch {
		case name == "rank_interval":
			ends("rank", "_first", "_last", value)
		case name == "interval":
			ends(bare, "_low", "_high", value)
		case name == "interval_fixed":
			ends(bare, "_fixed_low", "_fixed_high", value)
		case interval:
			ends(base, "_low", "_high", value)
		case is:
			prefix := map[string]string{"visitors": "visitors_", "outside": "outside_", "srm": "srm_"}[name]
			for below, value := range flat(below, "") {
				row[prefix+below] = value
			}
		default:
			row[name] = value
		}
	}
	return row
}

// listed are the objects in a list of an answer as rows.
func listed(list, bare string) func(object) []object {
	return func(answer object) (rows []object) {
		for _, value := range answer[list].([]any) {
			rows = append(rows, flat(value.(object), bare))
		}
		return rows
	}
}

// whole is an answer as one row, of these of its parts.
func whole(names ...string) func(object) []object {
	return func(answer object) []object {
		answer = maps.Clone(answer)
		maps.DeleteFunc(answer, func(name string, _ any) bool { return !slices.Contains(names, name) })
		return []object{flat(answer, "")}
	}
}

// quality is the answer of that table, whose lists are tables of their own.
func quality(answer object) []object {
	row := maps.Clone(answer)
	model := row["model"].(object)
	row["identified"], row["dispersion"] = model["identified"], model["dispersion"]
	for _, name := range []string{"window", "model", "odd_input"} {
		delete(row, name)
	}
	return []object{row}
}

// variants are the rows of experiments: of each variant, and of each benefit and variant.
func variants(answer object) (rows []object) {
	for _, value := range answer["experiments"].([]any) {
		experiment := value.(object)
		add := func(variant object, more object) {
			row := flat(variant, "lift")
			row["experiment"], row["variant"], row["crossed"] = experiment["name"], row["name"], experiment["crossed"]
			delete(row, "name")
			maps.Copy(row, flat(object{"srm": experiment["srm"]}, ""))
			maps.Copy(row, more)
			rows = append(rows, row)
		}
		for _, variant := range experiment["variants"].([]any) {
			add(variant.(object), nil)
		}
		for _, value := range experiment["by_benefit"].([]any) {
			benefit := value.(object)
			for _, variant := range benefit["variants"].([]any) {
				add(variant.(object), object{"benefit": benefit["id"], "label": benefit["label"]})
			}
		}
	}
	return rows
}

// sentOfEverything posts what each table has something of.
func sentOfEverything(t *testing.T, s *blackbox.Server) {
	t.Helper()
	post(t, s, confounded())
	post(t, s, statistics{"A": {"id": {"2": {"1": 3}}, "link": {"2": {"1": 40}}}})
	for i := range 200 {
		fields := blackbox.Fields{
			"benefit_id": blackbox.Quote(string(rune('A' + i%3))), "hash_id": blackbox.Quote(fmt.Sprint("visitor ", i)), "page_total": "2",
			"benefit_index": fmt.Sprint(1 + i%2), "abtesting": fmt.Sprintf(`{"place":"%c"}`, 'A'+i/2%2),
		}
		batch := []string{blackbox.Record(fields)}
		if fields["event_type"] = `"showDetails"`; i%5 < 2 {
			batch = append(batch, blackbox.Record(fields))
		}
		s.Created(t, blackbox.Array(batch...))
	}
	s.Post(t, blackbox.Record(blackbox.Fields{"event_type": `"nobody-knows"`}))
	s.Post(t, "[]")
}

// TestTheCommandWritesEveryValueOfEveryAnswer holds all tables, from a directory or from a server, in each
// format, against what the server answers.
func TestTheCommandWritesEveryValueOfEveryAnswer(t *testing.T) {
	t.Parallel()
	labels := filepath.Join(t.TempDir(), "labels.csv")
	if err := os.WriteFile(labels, []byte("id,label,group\nA,\"Aide, à\nla ligne\",CAF\nB,=B,CAF\nnever,N,CNAV\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := blackbox.StartServer(t, func(c *service.Config) {
		c.EventTypes, c.LabelsFile = []string{"show", "showDetails", "link", "id"}, labels
	})
	sentOfEverything(t, s)
	s.Restart(t) // and so it is all on disk
	for _, test := range []struct {
		table, parameters string
		arguments         []string
		rows              func(object) []object
	}{
		{"benefits", "?order=id", []string{"--order", "id"}, listed("benefits", "")},
		{"benefits", "", []string{"--table", "groups"}, listed("groups", "")},
		{"benefits", "", []string{"--table", "never"}, listed("never", "")},
		{"positions", "", nil, listed("cells", "")},
		{"positions", "", []string{"--table", "ranks"}, listed("ranks", "visibility")},
		{"positions", "", []string{"--table", "lengths"}, listed("lengths", "")},
		{"funnel", "", nil, listed("benefits", "")},
		{"funnel", "?group_by=total", []string{"--group-by", "total"}, whole("records", "visitors")},
		{"timeline", "", nil, listed("steps", "")},
		{"quality", "", nil, quality},
		{"quality", "", []string{"--table", "odd_input"}, listed("odd_input", "")},
		{"visitors", "", nil, listed("steps", "")},
		{"experiments", "", nil, variants},
		{"experiments", "/place", []string{"--experiment", "place"}, variants},
	} {
		var answer object
		if err := json.Unmarshal([]byte(s.Get(t, "/insight/"+test.table+test.parameters).Body), &answer); err != nil {
			t.Fatal(err)
		}
		want := test.rows(answer)
		if len(want) == 0 {
			t.Errorf("%s %q: there is nothing to be held", test.table, test.arguments)
		}
		server, directory := []string{"--url", s.URL}, []string{"--data-dir", s.Config.DataDir, "--labels-file", labels}
		for _, as := range []struct {
			format string
			from   []string
			read   func(string) ([]object, error)
		}{{"jsonl", directory, rowsOfJSON}, {"csv", server, rowsOfCSV}, {"parquet", directory, rowsOfParquet}} {
			arguments := slices.Concat([]string{"insight", test.table, "--format", as.format, "--raw"}, test.arguments, as.from)
			written := blackbox.Run(t, nil, arguments...)
			got, err := as.read(written.Stdout)
			if written.Code != 0 || err != nil || len(got) != len(want) {
				t.Errorf("%q: %d rows, want %d; %v %s", arguments, len(got), len(want), err, written.Stderr)
				continue
			}
			for i := range got {
				expectRow(t, fmt.Sprintf("%q, row %d", arguments, i), got[i], want[i])
			}
		}
	}
}

// expectRow requires the values of a row, and nothing else but that there is none of an event
// type, which an answer leaves out.
func expectRow(t *testing.T, what string, got, want object) {
	t.Helper()
	for name, value := range want {
		if have, there := got[name]; !there || have != value {
			t.Errorf("%s: %s is %v, want %v", what, name, have, value)
		}
	}
	for name, value := range got {
		if _, known := want[name]; !known && value != nil && (value != 0.0 || !strings.HasPrefix(name, "outside_")) {
			t.Errorf("%s: %s is %v, which no answer has", what, name, value)
		}
	}
}

func rowsOfJSON(text string) (rows []object, err error) {
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var row object
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

// rowsOfCSV takes for a number what can be one: no text of the test could.
func rowsOfCSV(text string) (rows []object, err error) {
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, record := range records[1:] {
		row := object{}
		for i, field := range record {
			row[records[0][i]] = field
			if number, err := strconv.ParseFloat(field, 64); err == nil {
				row[records[0][i]] = number
			} else if truth, err := strconv.ParseBool(field); err == nil && len(field) > 1 {
				row[records[0][i]] = truth
			} else if field == "" {
				row[records[0][i]] = nil
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func rowsOfParquet(content string) (rows []object, err error) {
	file, err := parquet.OpenFile(strings.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	columns := file.Schema().Columns()
	for _, group := range file.RowGroups() {
		read := make([]parquet.Row, group.NumRows())
		reader := group.Rows()
		if _, err := reader.ReadRows(read); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		for _, values := range read {
			row := object{}
			for _, value := range values {
				row[columns[value.Column()][0]] = ofParquet(value)
			}
			rows = append(rows, row)
		}
		if err := reader.Close(); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func ofParquet(value parquet.Value) any {
	switch {
	case value.IsNull():
		return nil
	case value.Kind() == parquet.Boolean:
		return value.Boolean()
	case value.Kind() == parquet.Int64:
		return float64(value.Uint64())
	case value.Kind() == parquet.Double:
		return value.Double()
	default:
		return value.String()
	}
}
