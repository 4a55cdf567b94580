package report_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stats-recorder/report"
)

func labelFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "labels")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLabelsAreReadFromWhatPeopleHave(t *testing.T) {
	t.Parallel()
	both := report.Labels{"rsa": {Label: "Revenu", Group: "CAF", Type: "national"}, "apl": {Label: "Aide, au logement"}}
	caf := report.Labels{"rsa": {Label: "Revenu", Group: "CAF", Type: "national"}}
	for name, test := range map[string]struct {
		content string
		want    report.Labels
	}{
		"CSV": {"id,label,group,type\nrsa,Revenu,CAF,national\napl,\"Aide, au logement\",,\n", both},
		"CSV of a French spreadsheet, in another order": {"\ufeffType;Label;ID;Group;note\r\nnational;Revenu;rsa;CAF;x\r\n;Aide, au logement;apl\r\n", both},
		"tabs, and ids alone":                           {"id\tlabel\nrsa\n", report.Labels{"rsa": {}}},
		"the simulator's benefits": {`[{"id":"rsa","slug":"rsa","label":"Revenu","type":"float","institution":{"slug":"caf","label":"CAF","type":"national"}},
			{"slug":"apl","label":"Aide, au logement"}]`, both},
		"an id and a slug": {`[{"id":7,"slug":"rsa","label":"Revenu","institution":"CAF","type":"national"}]`, report.Labels{
			"7": {Label: "Revenu", Group: "CAF", Type: "national"}, "rsa": {Label: "Revenu", Group: "CAF", Type: "national", Alias: true},
		}},
		"institutions with their benefits": {"\ufeff" + `{"institutions":[{"label":"CAF","type":"national","benefits":[{"id":"rsa","label":"Revenu"}]}]}`, caf},
		"an object with a list":            {`{"benefits":[{"id":"rsa","title":"Revenu","group":"CAF","institution":{"type":"national"}}]}`, caf},
	} {
		got, err := report.ReadLabels(labelFile(t, test.content))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestABadFileOfLabelsIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	for content, says := range map[string]string{
		"":                                     "line 1",
		"name,label\na,b\n":                    "no column id",
		"id,label\nrsa,Revenu\n\xe9t\xe9,x\n":  "line 3: is not UTF-8",
		"i\x00d\x00":                           "line 1: holds a NUL",
		"id,label\nrsa,a\nrsa,b\n":             `line 3: has "rsa" for the second time`,
		"id,label\n,a\n":                       "line 2: has no id",
		"id,label\n\"rsa,a\n":                  "line 2",
		"id,label\n":                           "names no benefit",
		"[\n{\"id\":\"rsa\"},\n{\"id\":}\n]\n": "line 3: is not valid JSON",
		`[{"label":"a"}]`:                      "[0]: has neither id nor slug",
		`[1]`:                                  "[0]: is no object",
		"[]":                                   "names no benefit",
		`[{"id":"a","label":"A"},{"id":"a","label":"B"}]`: `[1]: has "a" for the second time`,
	} {
		path := labelFile(t, content)
		_, err := report.ReadLabels(path)
		if !errors.Is(err, report.ErrLabels) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v, want the file and %q", content, err, says)
		}
	}
	if _, err := report.ReadLabels("/nowhere"); !errors.Is(err, report.ErrLabels) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
