package contract

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// makeDirectories has the directories made that a release leaves for the tests of all
// later ones. They are made once, with the release, and never again.
var makeDirectories = flag.String("make-directories", "", "make testdata/directories of this `version`, as the code of today writes them")

// TestMakeDirectories makes small directories of every kind, and exports each.
func TestMakeDirectories(t *testing.T) {
	if *makeDirectories == "" {
		t.Skip("go test ./contract -run TestMakeDirectories -make-directories 1.2 makes them, once for a release")
	}
	root, err := filepath.Abs(filepath.Join("../testdata/directories", *makeDirectories))
	if err == nil {
		err = os.Mkdir(root, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, live := range map[string]func(*testing.T, string){
		"plain": liveWithSnapshots, "journal-alone": liveWithoutSnapshots, "closed-days": liveWithClosedDays,
		"everysec": liveEverySecond, "snapshot": liveBySnapshot, "imported": liveAfterAnImport,
		"imported-dump": liveAfterADump, "torn-tail": liveUntilATornWrite,
		"keys": liveWithKeys,
	} {
		directory := filepath.Join(root, name, "data")
		live(t, directory)
		export := blackbox.Run(t, []string{"DATA_DIR=" + directory}, "export", "--format", "jsonl")
		if err := os.WriteFile(filepath.Join(root, name, "counts.jsonl"), []byte(export.Stdout), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// golden is the life of one server in a directory that is made. It posts pages, of the
// given lengths, for each day.
func golden(t *testing.T, directory string, environment []string, pages map[string][]int) *blackbox.Program {
	t.Helper()
	p := blackbox.StartProgram(t, directory, append([]string{"MAX_EVENT_AGE=0", "SNAPSHOT_INTERVAL=1h"}, environment...))
	for day, lengths := range pages {
		for _, length := range lengths {
			p.Created(t, goldenPage(day, length))
		}
	}
	return p
}

func goldenPage(day string, length int) string {
	var records []string
	for index := 1; index <= length; index++ {
		event := []string{"show", "link", "show", "link"}[(length+index)%4]
		records = append(records, blackbox.Record(blackbox.Fields{
			"benefit_id":    blackbox.Quote(fmt.Sprintf("Livret d’épargne %d", (length*index)%7)),
			"benefit_index": fmt.Sprint(index), "page_total": fmt.Sprint(length), "version": fmt.Sprint(index % 4),
			"event_type": blackbox.Quote(event), "created_at": blackbox.Quote(day),
		}))
	}
	return blackbox.Array(records...)
}

// Days long ago, which are closed at once, and one that was open when it was recorded.
const (
	firstDay, secondDay, lastDay = "2026-01-05T10:20:30Z", "2026-01-06T11:00:00Z", "2026-11-25T09:00:00Z"
)

func liveWithSnapshots(t *testing.T, directory string) {
	golden(t, directory, nil, map[string][]int{lastDay: {5}}).Terminate(t)
	golden(t, directory, nil, map[string][]int{lastDay: {12}}).Terminate(t)
	golden(t, directory, nil, map[string][]int{lastDay: {3, 4}}).Kill(t)
}

func liveWithoutSnapshots(t *testing.T, directory string) {
	golden(t, directory, nil, map[string][]int{lastDay: {5, 9}}).Kill(t)
	golden(t, directory, nil, map[string][]int{lastDay: {2}}).Kill(t)
}

func liveWithClosedDays(t *testing.T, directory string) {
	golden(t, directory, nil, map[string][]int{firstDay: {4}, secondDay: {6}}).Terminate(t)
	golden(t, directory, nil, map[string][]int{secondDay: {5}, lastDay: {2}}).Terminate(t)
	golden(t, directory, nil, map[string][]int{firstDay: {3}}).Kill(t)
}

// liveEverySecond leaves journals that were made ahead.
func liveEverySecond(t *testing.T, directory string) {
	everySecond := []string{"DURABILITY=everysec"}
	golden(t, directory, everySecond, map[string][]int{firstDay: {5}, lastDay: {5}}).Terminate(t)
	often := append(everySecond, "SNAPSHOT_INTERVAL=100ms", "LOG_LEVEL=debug")
	p := golden(t, directory, often, map[string][]int{lastDay: {8}})
	for length := 1; len(aheadIn(t, directory)) == 0; length = length%20 + 1 {
		p.Created(t, goldenPage(lastDay, length))
		p.Await(t, "wrote a snapshot")
	}
	p.Created(t, goldenPage(lastDay, 7))
	p.Kill(t)
}

// aheadIn are the journals that were made ahead and have frames, by the documented format.
func aheadIn(t *testing.T, directory string) (ahead []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, "journal-????????????????"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if content := read(t, path); len(content) > journalHeaderBytes && content[20:28] == "\x00\x00\x00\x00\x00\x00\x00\x00" {
			ahead = append(ahead, path)
		}
	}
	return ahead
}

func liveBySnapshot(t *testing.T, directory string) {
	bySnapshot := []string{"DURABILITY=snapshot"}
	golden(t, directory, bySnapshot, map[string][]int{firstDay: {5}, lastDay: {5}}).Terminate(t)
	golden(t, directory, bySnapshot, map[string][]int{secondDay: {1}, lastDay: {8}}).Terminate(t)
}

func liveAfterAnImport(t *testing.T, directory string) {
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	other := filepath.Join(t.TempDir(), "other")
	golden(t, other, nil, map[string][]int{firstDay: {9}, secondDay: {4}}).Terminate(t)
	export := blackbox.Run(t, []string{"DATA_DIR=" + other}, "export", "--format", "jsonl")
	if err := os.WriteFile(rows, []byte(export.Stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	blackbox.Run(t, []string{"DATA_DIR=" + directory}, "import", rows).ExpectReport(t, 0)
	golden(t, directory, nil, map[string][]int{lastDay: {4}}).Terminate(t)
	golden(t, directory, nil, map[string][]int{secondDay: {2}}).Kill(t)
}

// liveAfterADump leaves ranges of ids, and what the import has replaced.
func liveAfterADump(t *testing.T, directory string) {
	golden(t, directory, nil, map[string][]int{firstDay: {3}, lastDay: {4}}).Terminate(t)
	var documents strings.Builder
	for number := range 12 {
		fmt.Fprintf(&documents, `{"_id":{"$oid":"695b8a00%016x"},"benefit_id":"RSA","benefit_index":%d,"page_total":12,"event_type":"show",`+
			`"version":2,"created_at":{"$date":"%s"}}`+"\n", number, number+1, secondDay)
	}
	dump := filepath.Join(t.TempDir(), "records.json")
	if err := os.WriteFile(dump, []byte(documents.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	blackbox.Run(t, []string{"DATA_DIR=" + directory}, "import", "--source", "old", dump).ExpectReport(t, 0)
	golden(t, directory, nil, nil).Kill(t)
}

// keyedAnswer is what a directory's server answered to a batch with a key. They lie beside the
// directory, a line each.
type keyedAnswer struct {
	Key, Body, Answer string
	Status            int
}

// liveWithKeys leaves keys in both snapshots, in one, and in a journal.
func liveWithKeys(t *testing.T, directory string) {
	var all strings.Builder
	send := func(p *blackbox.Program, key, body string) {
		answer := p.Post(t, body, headerKey, key)
		line, err := json.Marshal(keyedAnswer{key, body, answer.Body, answer.Status})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n", line)
	}
	for life := range 3 {
		p := golden(t, directory, nil, map[string][]int{lastDay: {2}})
		send(p, fmt.Sprintf("good-%d", life), goldenPage(lastDay, 3))
		send(p, fmt.Sprintf("partly-%d", life), partly("RSA"))
		send(p, fmt.Sprintf("bad-%d", life), "[1]")
		if life < 2 {
			p.Terminate(t)
		} else {
			p.Kill(t)
		}
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(directory), "keys.jsonl"), []byte(all.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func liveUntilATornWrite(t *testing.T, directory string) {
	golden(t, directory, nil, map[string][]int{lastDay: {5}}).Terminate(t)
	golden(t, directory, nil, map[string][]int{lastDay: {7, 6, 4}}).Kill(t)
	paths, err := filepath.Glob(filepath.Join(directory, "journal-*"))
	if err != nil {
		t.Fatal(err)
	}
	newest := paths[len(paths)-1]
	frames := framesOf(t, newest)
	blackbox.Rewrite(t, newest, func(content []byte) []byte { return content[:frames[len(frames)-1].end-3] })
}
