package blackbox

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// CopyOf is a copy of a directory to spoil.
func CopyOf(t *testing.T, directory string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(copied, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	return copied
}

// ContentsOf are the files below a directory, by path.
func ContentsOf(t *testing.T, directory string) map[string]string {
	t.Helper()
	contents := make(map[string]string)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		contents[strings.TrimPrefix(path, directory+"/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

// Unchanged runs a check that must leave a directory as it is, to the byte.
func Unchanged(t *testing.T, directory string, check func()) {
	t.Helper()
	before := ContentsOf(t, directory)
	check()
	after := ContentsOf(t, directory)
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if content, ok := after[path]; !ok || content != before[path] {
			t.Errorf("%q was changed or removed", path)
		}
		delete(after, path)
	}
	for path := range after {
		t.Errorf("%q was made", path)
	}
}

// Rewrite changes a file.
func Rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
