package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// notInAnchors is what GitHub leaves out of the anchor of a heading.
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// TestLinksLeadSomewhere follows the links of all documents to files of the
// repository, and to headings in them.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(withoutCode(readDocument(t, path)), -1) {
			target := found[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: the link %q leads nowhere: %v", path, target, err)
				continue
			}
			if anchor != "" && !anchors(readDocument(t, to))[anchor] {
				t.Errorf("%s: the link %q leads to no heading of %s", path, target, to)
			}
		}
	}
}

// named is a file of this repository, named as code by its path.
var named = regexp.MustCompile("`((?:[\\w-]+/)+[\\w.-]+\\.(?:go|md|yml|conf|service|socket|pgo))`")

func TestNamedFilesAreThere(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		for _, found := range named.FindAllStringSubmatch(readDocument(t, path), -1) {
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil && path != "CHANGELOG.md" {
				t.Errorf("%s names the file %q, which is not there", path, found[1])
			}
		}
	}
}

// documents are the Markdown files of the repository, but not what programs write
// into it.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/fr/*.md", "deploy/*.md", "release/*.md", "client/*.md"} {
		found, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	return paths
}

func withoutCode(document string) string { return fence.ReplaceAllString(document, "") }

// anchors are those of the headings, as GitHub makes them.
func anchors(document string) map[string]bool {
	all := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(withoutCode(document), -1) {
		name := notInAnchors.ReplaceAllString(strings.ToLower(found[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}
