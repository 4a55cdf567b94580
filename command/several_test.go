package command

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestOneThingIsNotSeveral(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0 files": several(0, "file"), "1 file": several(1, "file"), "2 files": several(uint64(2), "file"),
		"18446744073709551615 days": several(^uint64(0), "day"),
	} {
		if got != want {
			t.Errorf("have %q, want %q", got, want)
		}
	}
}

// TestNoMessageTakesANumberForSeveral holds that what people read at a terminal has its
// numbers of things by several.
func TestNoMessageTakesANumberForSeveral(t *testing.T) {
	t.Parallel()
	plural := regexp.MustCompile(`%(?:d|\.0f) (?:more |closed )?[a-z]+s\b`)
	atMost := regexp.MustCompile(`at most %d bytes`) // of a constant
	for _, pattern := range []string{"*.go", "../status/*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%q: %q, %v", pattern, paths, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if found := plural.FindString(atMost.ReplaceAllString(string(content), "")); found != "" && filepath.Base(path) != "several_test.go" {
				t.Errorf("%s says %q of one too: see several", path, found)
			}
		}
	}
}
