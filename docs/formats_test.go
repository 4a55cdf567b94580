package docs

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/service"
)

// The records of the test: all of one hour, at two positions.
const (
	recordsSent = 5
	firstBatch  = `[{"benefit_id":"RSA","hash_id":"a","benefit_index":1,"page_total":2},
		{"benefit_id":"APL","hash_id":"a","benefit_index":2,"page_total":2},
		{"benefit_id":"RSA","hash_id":"b","benefit_index":1,"page_total":2}]`
	secondBatch = `[{"benefit_id":"RSA","hash_id":"b","benefit_index":1,"page_total":2,"event_type":"link"},
		{"benefit_id":"Livret d’épargne populaire","hash_id":"b","benefit_index":9,"page_total":60,"version":7}]`
)

// TestFilesAreAsDocumented reads the journal, the snapshot and the closed day of a
// server by what formats.md says, without a line of the product.
func TestFilesAreAsDocumented(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	var ahead atomic.Int64
	configure := func(c *service.Config) {
		c.DataDir, c.SnapshotInterval = directory, time.Hour
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}
	url, stop := startServer(t, configure)
	post(t, url+"/benefits?idempotency_key=first", firstBatch)
	post(t, url+"/benefits", secondBatch)
	if sum := readJournal(t, only(t, directory, "journal-*")); sum != recordsSent {
		t.Errorf("the journal has %d records, want %d", sum, recordsSent)
	}
	stop()
	open := readSections(t, only(t, directory, "snapshot-*"), "SRSNAP\r\n")
	open.want(t, map[uint32]uint64{3: recordsSent, 4: recordsSent, 16: 1})

	ahead.Store(int64(5 * 24 * time.Hour))
	_, stop = startServer(t, func(c *service.Config) {
		configure(c)
		c.SnapshotInterval, c.Retention = 10*time.Millisecond, 1000*24*time.Hour
	})
	day := only(t, directory, "day-*")
	stop()
	closed := readSections(t, newest(t, directory, "snapshot-*"), "SRSNAP\r\n")
	closed.want(t, map[uint32]uint64{5: recordsSent})
	if _, remembered := closed[12]; !remembered {
		t.Error("the snapshot remembers nothing of the clock")
	}
	readSections(t, day, "SRDAYS\r\n").want(t, map[uint32]uint64{3: recordsSent, 4: recordsSent, 8: recordsSent})
}

// TestDetailsAreAsDocumented has twelve visitors, in two variants, shown ten benefits each.
func TestDetailsAreAsDocumented(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	url, stop := startServer(t, func(c *service.Config) { c.DataDir, c.SnapshotInterval = directory, time.Hour })
	for visitor := range 12 {
		var page []string
		for index := 1; index <= 10; index++ {
			page = append(page, fmt.Sprintf(`{"benefit_id":"benefit %d","hash_id":"visitor %d","benefit_index":%d,"page_total":10,"abtesting":{"place":"%c"}}`,
				index, visitor, index, 'A'+visitor%2))
		}
		post(t, url+"/benefits", "["+strings.Join(page, ",")+"]")
	}
	stop()
	// Each benefit has twelve visitors in all, and six in each variant.
	readSections(t, only(t, directory, "snapshot-*"), "SRSNAP\r\n").want(t, map[uint32]uint64{3: 120, 504: 10 * (12 + 6 + 6)})
}

// TestImportsAreRememberedAsDocumented reads what an import of two documents leaves.
func TestImportsAreRememberedAsDocumented(t *testing.T) {
	t.Parallel()
	directory, dump := t.TempDir(), filepath.Join(t.TempDir(), "records.json")
	const content = `{"_id":{"$oid":"65a000000000000000000001"},"benefit_id":"RSA","page_total":2,"benefit_index":1,"event_type":"show"}
		{"_id":{"$oid":"65a000000000000000000002"},"benefit_id":"RSA","page_total":2,"benefit_index":2,"event_type":"show"}`
	if err := os.WriteFile(dump, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), program.Path(t), "--data-dir", directory, "import", dump).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	readSections(t, only(t, directory, "snapshot-*"), "SRSNAP\r\n").want(t, map[uint32]uint64{5: 2, 13: 2})
	only(t, directory, "before-import-0000000000000001")
}

func post(t *testing.T, url, body string) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("a post gets %s", response.Status)
	}
}

// only waits for the file of a pattern, and makes sure that there is only one.
func only(t *testing.T, directory, pattern string) string {
	t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		paths := matching(t, directory, pattern)
		if len(paths) == 1 && filepath.Ext(paths[0]) != ".tmp" {
			return paths[0]
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("the files %q are %q, want one", pattern, paths)
		}
	}
}

func newest(t *testing.T, directory, pattern string) string {
	t.Helper()
	paths := matching(t, directory, pattern)
	if len(paths) == 0 {
		t.Fatalf("no file %q", pattern)
	}
	return paths[len(paths)-1]
}

func matching(t *testing.T, directory, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func castagnoli(parts ...[]byte) (sum uint32) {
	table := crc32.MakeTable(crc32.Castagnoli)
	for _, part := range parts {
		sum = crc32.Update(sum, table, part)
	}
	return sum
}
