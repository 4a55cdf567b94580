package insight

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestTheCommandWritesTheSameFromADirectoryAndFromAServer(t *testing.T) {
	t.Parallel()
	const token = "open sesame"
	s := blackbox.StartServer(t, func(c *service.Config) { c.ReadToken = token })
	post(t, s, confounded())
	s.Restart(t) // and so it is on disk
	variables := []string{"DATA_DIR=" + s.Config.DataDir, "READ_TOKEN=" + token}
	for _, arguments := range [][]string{
		{"benefits"}, {"benefits", "--order", "id", "--limit", "1", "--format", "jsonl"}, {"benefits", "--raw", "--stage", "acted"},
		{"positions"}, {"positions", "--table", "ranks", "--raw"}, {"positions", "--table", "lengths", "--format", "jsonl"},
		{"funnel"}, {"funnel", "--group-by", "total", "--format", "jsonl"}, {"timeline", "--step", "week"}, {"timeline", "--time-zone", "Europe/Paris", "--from", "2020-01-01", "--to", "2020-01-03"},
		{"timeline", "--step", "hour", "--from", "2020-01-01", "--to", "2020-01-02", "--lang", "fr"}, {"quality"},
	} {
		here := blackbox.Run(t, variables, append([]string{"insight"}, arguments...)...)
		there := blackbox.Run(t, variables[1:], append(append([]string{"insight"}, arguments...), "--url", s.URL+"/")...)
		if here.Code != 0 || here.Stdout == "" || here != there {
			t.Errorf("%q: from the directory %+v, from the server %+v", arguments, here, there)
		}
	}
	csv := s.Get(t, "/insight/benefits?format=csv&lang=fr", "Authorization", "Bearer "+token).Body
	if got := blackbox.Run(t, variables, "insight", "benefits", "--lang", "fr").Stdout; got != csv {
		t.Errorf("the command writes\n%s, the endpoint\n%s", got, csv)
	}
	got := blackbox.Run(t, variables, "insight", "benefits", "--format", "parquet").Stdout
	file, err := parquet.OpenFile(strings.NewReader(got), int64(len(got)))
	if err != nil || file.NumRows() != 2 {
		t.Errorf("Parquet is %.20q: %v", got, err)
	}
	blackbox.Run(t, nil, "insight", "benefits", "--url", s.URL).ExpectRefusal(t, "401", "token")
}

func TestTheCommandRefusesInItsOwnWords(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	bad := filepath.Join(directory, "labels")
	if err := os.WriteFile(bad, []byte("name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := blackbox.StartServer(t, nil)
	for _, test := range []struct {
		arguments []string
		says      string
	}{
		{[]string{"insight"}, "benefits, positions, funnel"}, {[]string{"insight", "benfits"}, "did you mean benefits?"},
		{[]string{"insight", "benefits", "--order", "best"}, "--order"}, {[]string{"insight", "benefits", "--from", "x"}, "--from"},
		{[]string{"insight", "benefits", "--from", "2026-02-01", "--to", "2026-01-01"}, "--to"},
		{[]string{"insight", "benefits", "--step", "day"}, "step"}, {[]string{"insight", "benefits", "--format", "xls"}, "xls"},
		{[]string{"insight", "benefits", "--lang", "de"}, "--lang"}, {[]string{"insight", "benefits", "more"}, "more"},
		{[]string{"insight", "benefits", "--labels-file", bad}, "no column id"}, {[]string{"insight", "benefits", "--stages", "x"}, "stages"},
		{[]string{"insight", "benefits", "--url", "localhost"}, "--url"}, {[]string{"insight", "benefits", "--url", s.URL, "--stages", "opened:a"}, "--stages"},
		{[]string{"insight", "benefits", "--url", s.URL + "/nowhere"}, "404"}, {[]string{"insight", "benefits", "--url", s.URL, "--limit", "x"}, "limit"},
		{[]string{"insight", "benefits", "--data-dir", filepath.Join(directory, "none")}, "no such data directory"},
	} {
		blackbox.Run(t, []string{"DATA_DIR=" + directory}, test.arguments...).ExpectRefusal(t, test.says)
	}
}
