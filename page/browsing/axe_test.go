package browsing

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeVersion is that of axe-core, which finds what keeps people out. It is under the
// MPL, fetched for tests alone and in no program.
const axeVersion = "4.14.1"

var fetchAxe = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	path := filepath.Join(cache, "stats-recorder", "axe-core-"+axeVersion+".js")
	if source, err := os.ReadFile(path); err == nil {
		return string(source), nil
	}
	source, err := unpackAxe()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return string(source), os.WriteFile(path, source, 0o644)
})

// errNoNpm says that there is nothing to fetch axe-core with.
var errNoNpm = errors.New("npm is not installed, or reaches no registry")

// unpackAxe fetches the package and takes the one file out of it.
func unpackAxe() ([]byte, error) {
	directory, err := os.MkdirTemp("", "axe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	command := exec.Command("npm", "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", directory)
	if said, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %w: %s", errNoNpm, err, said)
	}
	packed, err := os.ReadFile(filepath.Join(directory, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		return nil, err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("axe.min.js in the package: %w", err)
		}
		if header.Name == "package/axe.min.js" {
			return io.ReadAll(files)
		}
	}
}

// axe is the source of axe-core, or the test is skipped.
func axe(t *testing.T) string {
	t.Helper()
	source, err := fetchAxe()
	if errors.Is(err, errNoNpm) {
		t.Skipf("axe-core was not fetched: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return source
}

// A violation is what axe found.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Where string `json:"where"`
}

// expectAccessible has axe look at what the tab shows.
func (b *tab) expectAccessible(t *testing.T, source, where string) {
	t.Helper()
	b.do(t, chromedp.Evaluate[chromedp.Void](source))
	found := eval[[]violation](t, b, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => r.violations.map(v => ({id: v.id, help: v.help, where: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(" … ")})))`)
	for _, v := range found {
		t.Errorf("%s: %s: %s: %s", where, v.ID, v.Help, v.Where)
	}
}
