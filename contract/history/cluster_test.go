package history

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
)

// sharedLog starts a server of a log, and returns the settings of nodes that share it.
func sharedLog(t *testing.T) (settings []string) {
	t.Helper()
	started, err := server.NewServer(&server.Options{
		ServerName: "one", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, JetStreamMaxStore: 1 << 40,
		StoreDir: t.TempDir(), SyncAlways: true, NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	go started.Start()
	t.Cleanup(func() { started.Shutdown(); started.WaitForShutdown() })
	if !started.ReadyForConnections(blackbox.Patience) {
		t.Fatal("the log's server takes no connections")
	}
	return []string{"LOG_URL=" + started.Addr().String(), "LOG_REPLICAS=1", "LOG_WINDOW=5ms", "SNAPSHOT_INTERVAL=1s", "MAX_EVENT_AGE=0"}
}

// expectOnAll waits until nodes have as many events as a chronicle, and requires its answers of
// each, with the same ETag.
func (c chronicle) expectOnAll(t *testing.T, questions []question, nodes ...*blackbox.Program) {
	t.Helper()
	for _, node := range nodes {
		harnesstest.Until(t, "a node has all events", func() bool {
			sum := 0
			for _, events := range node.Totals(t, "") {
				for count := range maps.Values(events) {
					sum += count
				}
			}
			return sum >= len(c)
		})
		c.expect(t, node.Server, questions...)
		for _, q := range questions {
			if one, other := nodes[0].Get(t, q.String()).Header.Get("ETag"), node.Get(t, q.String()).Header.Get("ETag"); one == "" || one != other {
				t.Errorf("%s has ETag %s and %s", q, one, other)
			}
		}
	}
}

// importAs runs the import command on a directory, with the settings of a node.
func importAs(t *testing.T, settings []string, directory string, arguments ...string) blackbox.Outcome {
	t.Helper()
	return blackbox.Run(t, append([]string{"DATA_DIR=" + directory}, settings...), append([]string{"import"}, arguments...)...)
}

func TestAnImportIntoOneNodeCountsOnceOnAll(t *testing.T) {
	t.Parallel()
	p, settings := someMonths(t), sharedLog(t)
	first, second, third := t.TempDir(), t.TempDir(), t.TempDir()
	questions := append(always(), p.questions(t, 4)...)
	one, two := blackbox.StartProgram(t, first, settings), blackbox.StartProgram(t, second, settings)
	live := some("live", blackbox.MustTime(t, "2024-03-01T12:00:00Z"), 3)
	live.postAll(t, one.Server)
	live.expectOnAll(t, questions, one, two)

	two.Terminate(t)
	events, later := p.events(300), p.events(40)
	documents, more := p.documents(events), p.documentsAfter(len(events), later)
	dump := dumped(t, documents)
	expectImportRefused(t, importOf(t, second, dump), "LOG_URL")
	expectImportRefused(t, importAs(t, append(settings, "ROLE=ingest"), second, dump), "ROLE=all")
	if dry := importAs(t, settings, second, "--dry-run", dump); dry.Code != 0 || !strings.Contains(dry.Stdout, "nothing was changed") {
		t.Errorf("%+v", dry)
	}
	live.expectOnAll(t, questions, one)
	told := importAs(t, settings, second, dump)
	expectImported(t, told, len(events))
	if !strings.Contains(told.Stdout, "all nodes count it") || told.Stderr != "" {
		t.Errorf("it says %q and %q", told.Stdout, told.Stderr)
	}
	expectImportRefused(t, importAs(t, settings, second, dump), "imported before")
	expectNotUndone(t, undoOf(t, second), "cannot be undone")
	all := slices.Concat(live, events)
	all.expectOnAll(t, questions, one)

	one.Terminate(t)
	expectImportRefused(t, importAs(t, settings, first, exported(t, documents, true)), "imported before")
	expectImportRefused(t, importAs(t, settings, first, "--force", dump), "very same counts")
	both := dumped(t, slices.Concat(documents, more))
	if told := importAs(t, settings, first, "--continue", both); told.Code != 0 || !strings.Contains(told.Stdout, fmt.Sprintf("imported before %d", len(events))) {
		t.Errorf("%+v", told)
	}
	expectImportRefused(t, importAs(t, settings, first, exportOf(t, second)), "this is an export")
	one, two = blackbox.StartProgram(t, first, settings), blackbox.StartProgram(t, second, settings)
	three := blackbox.StartProgram(t, third, settings)
	all = append(all, later...)
	all.expectOnAll(t, questions, one, two, three)
	for _, node := range []*blackbox.Program{one, two, three} {
		node.Terminate(t)
	}
	for _, directory := range []string{second, third} {
		same := blackbox.Run(t, []string{"DATA_DIR=" + first}, "cluster", "hash", directory)
		if same.Code != 0 || !strings.Contains(same.Stdout, "the same frames and the same counts") {
			t.Errorf("%+v", same)
		}
		blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	}
}

// TestAnImportThatIsKilledCountsOnceOnAll ends an import at some of the moments in which it
// changes something on disk, each time another one, and has it made again.
func TestAnImportThatIsKilledCountsOnceOnAll(t *testing.T) {
	t.Parallel()
	p, settings := someMonths(t), sharedLog(t)
	first, second := t.TempDir(), t.TempDir()
	one, two := blackbox.StartProgram(t, first, settings), blackbox.StartProgram(t, second, settings)
	all := some("live", blackbox.MustTime(t, "2024-03-01T12:00:00Z"), 3)
	all.postAll(t, two.Server)
	all.expectOnAll(t, always(), one, two)
	two.Terminate(t)
	dump := func() (path string, documents int) {
		events := p.events(20)
		path = dumped(t, p.documentsAfter(len(all), events))
		all = append(all, events...)
		return path, len(events)
	}
	path, _ := dump()
	environment := append([]string{"DATA_DIR=" + second}, settings...)
	points := crashPoints(t, second, environment, "import", path)
	p.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	// What writes the file in which the import waits, and then the rest.
	slices.SortStableFunc(points, func(a, b crashPoint) int {
		ofImport := func(c crashPoint) int { return -strings.Count(c.place, "importing") }
		return ofImport(a) - ofImport(b)
	})
	for i, point := range points[:min(len(points), harnesstest.Scale(4, 60))] {
		path, documents := dump()
		crashing(t, second, point.String(), environment, "import", path)
		if i%2 == 1 {
			blackbox.StartProgram(t, second, settings).Terminate(t)
		}
		again := importAs(t, settings, second, path)
		if again.Code == 0 {
			expectImported(t, again, documents)
		} else {
			expectImportRefused(t, again, "imported before")
		}
		t.Logf("%s: %d", point, again.Code)
	}
	started := time.Now()
	two = blackbox.StartProgram(t, second, settings)
	all.expectOnAll(t, append(always(), p.questions(t, 4)...), one, two)
	t.Logf("equal after %s", time.Since(started))
}

// A killed import left it there, and the node runs with ROLE=ingest, without LOG_URL, and at
// last as it should.
func TestOfAnImportThatWaitsEverybodySaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	p, settings := someMonths(t), sharedLog(t)
	directory := t.TempDir()
	node := blackbox.StartProgram(t, directory, settings)
	all := some("live", blackbox.MustTime(t, "2024-03-01T12:00:00Z"), 3)
	all.postAll(t, node.Server)
	node.Terminate(t)
	environment := append([]string{"DATA_DIR=" + directory}, settings...)
	events := p.events(20)
	crashing(t, directory, "importing.sync.after:1", environment, "import", dumped(t, p.documents(events)))
	importing := filepath.Join(directory, "importing")
	if err := os.Rename(importing+".tmp", importing); err != nil { // which comes next
		t.Fatal(err)
	}
	all = append(all, events...)

	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "waits for the node", "since 20", "start the node with LOG_URL and ROLE=all")
	admin := []string{"ADMIN_ADDR=127.0.0.1:0", "MAX_EVENT_AGE=0"}
	for name, environment := range map[string][]string{"ROLE=ingest": slices.Concat(settings, admin, []string{"ROLE=ingest"}), "without LOG_URL": admin} {
		node := blackbox.StartProgram(t, directory, environment)
		if said := node.Await(t, "an import waits to be told to other nodes").Text(t, "is_made"); !strings.Contains(said, name) {
			t.Errorf("%s: the start says %q", name, said)
		}
		address := node.Await(t, "listening").Text(t, "admin")
		status := blackbox.Run(t, []string{"ADMIN_ADDR=" + address}, "status", "--during", "10ms")
		if !strings.Contains(status.Stdout, "an import waits for ") {
			t.Errorf("%s: %+v", name, status)
		}
		harnesstest.Until(t, "the node is ready, and says what waits", func() bool {
			response, err := http.Get("http://" + address + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			said, err := io.ReadAll(response.Body)
			return err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(said), "an import waits") && strings.Contains(string(said), name)
		})
		node.Terminate(t)
	}
	node = blackbox.StartProgram(t, directory, slices.Concat(settings, admin))
	all.expectOnAll(t, always(), node)
	harnesstest.Until(t, "nobody says it any more", func() bool {
		return !strings.Contains(blackbox.Run(t, []string{"ADMIN_ADDR=" + node.Await(t, "listening").Text(t, "admin")}, "status", "--during", "10ms").Stdout, "an import waits")
	})
}
