package importer_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stats-recorder/exchange/importer"
)

func TestADumpDirectoryGivesItsCollection(t *testing.T) {
	t.Parallel()
	documents := oldDocuments(1, 100)
	for _, name := range []string{"benefits.bson", "benefits.bson.gz"} {
		dumped := t.TempDir()
		content := dump(t, documents...)
		if strings.HasSuffix(name, ".gz") {
			content = gzipped(t, content)
		}
		file := write(t, content, dumped, "prod", name)
		write(t, []byte(`{"indexes":[]}`), dumped, "prod", "benefits.metadata.json")
		write(t, []byte(`{"ServerVersion":"6"}`), dumped, "prelude.json")
		write(t, dump(t, oldDocuments(2, 5)...), dumped, "prod", "system.views.bson")
		write(t, dump(t, oldDocuments(3, 5)...), dumped, "admin", "users.bson")
		write(t, dump(t, oldDocuments(4, 5)...), dumped, "oplog.bson")
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dumped, link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{dumped, dumped + "/", filepath.Join(dumped, "prod"), link, file} {
			taken, summary := readPaths(t, path)
			taken.mustBe(t, expected(documents))
			if want := filepath.Join("prod", name); len(summary.Inputs) != 1 || !strings.HasSuffix(summary.Inputs[0].Path, want) && path != link {
				t.Errorf("%s: inputs are %+v, want %s", path, summary.Inputs, want)
			}
		}
	}
}

func TestOneOfSeveralCollectionsMustBeNamed(t *testing.T) {
	t.Parallel()
	wanted, others := oldDocuments(1, 60), oldDocuments(2, 40)
	dumped := t.TempDir()
	write(t, dump(t, wanted...), dumped, "prod", "benefits.bson")
	write(t, dump(t, others...), dumped, "prod", "sessions%2Fold.bson")
	mixed := write(t, archive(t, namespace{"prod", "benefits", wanted}, namespace{"prod", "sessions/old", others}), t.TempDir(), "dump.archive")
	for _, path := range []string{dumped, mixed} {
		err := readError(t, importer.Options{Paths: []string{path}})
		if !errors.Is(err, importer.ErrSeveralCollections) || !strings.Contains(err.Error(), `"prod.benefits" and "prod.sessions/old"`) {
			t.Errorf("%s: error is %v", path, err)
		}
		for _, c := range []struct {
			collection string
			counted    uint64
		}{{"benefits", 60}, {"prod.benefits", 60}, {"sessions/old", 40}, {"prod.sessions/old", 40}} {
			var taken ledger
			summary, err := importer.Read(t.Context(), importer.Options{Paths: []string{path}, Collection: c.collection}, taken.take)
			if err != nil || summary.Counted != c.counted {
				t.Errorf("%s of %s: %d were counted, want %d; %v", c.collection, path, summary.Counted, c.counted, err)
			}
		}
		if err := readError(t, importer.Options{Paths: []string{path}, Collection: "test.benefits"}); !errors.Is(err, importer.ErrNoCollection) {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

func TestADirectoryWithTheSameCollectionTwiceIsRefused(t *testing.T) {
	t.Parallel()
	content := dump(t, oldDocuments(1, 10)...)
	twice := t.TempDir()
	write(t, content, twice, "prod", "benefits.bson")
	write(t, gzipped(t, content), twice, "prod", "benefits.bson.gz")
	if err := readError(t, importer.Options{Paths: []string{twice}}); !errors.Is(err, importer.ErrSeveralCollections) {
		t.Errorf("error is %v", err)
	}
}

func TestADirectoryWithoutACollectionIsRefused(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	write(t, nil, empty, "prod", "system.views.bson")
	write(t, nil, empty, "prod", ".bson")
	write(t, []byte("{}"), empty, "prod", "benefits.metadata.json")
	err := readError(t, importer.Options{Paths: []string{empty}})
	if !errors.Is(err, importer.ErrNoCollection) || !strings.Contains(err.Error(), empty) {
		t.Errorf("error is %v", err)
	}
}

func TestSeveralInputsAreReadAndToldApart(t *testing.T) {
	t.Parallel()
	first, second := oldDocuments(1, 1000), oldDocuments(2, 1500)
	paths := []string{
		write(t, dump(t, first...), t.TempDir(), "first.bson"),
		write(t, gzipped(t, export(t, true, false, second...)), t.TempDir(), "second.json.gz"),
		write(t, export(t, false, true, first...), t.TempDir(), "first again.json"),
	}
	taken, summary := readPaths(t, paths...)
	if summary.Counted != 3500 || len(taken.ids) != 3500 {
		t.Errorf("%d were counted, %d handed over", summary.Counted, len(taken.ids))
	}
	in := summary.Inputs
	if in[0].Path != paths[0] || in[0].Read != 1000 || in[1].Read != 1500 || in[2].Read != 1000 {
		t.Errorf("inputs are %+v", in)
	}
	if in[0].Fingerprint != in[2].Fingerprint || in[0].Fingerprint == in[1].Fingerprint {
		t.Errorf("the fingerprints are %v, %v, %v; only the first and the last have the same content", in[0].Fingerprint, in[1].Fingerprint, in[2].Fingerprint)
	}
	if _, alone := readPaths(t, paths[0]); alone.Fingerprint != in[0].Fingerprint {
		t.Error("an input's fingerprint depends on what is read with it")
	}
}
