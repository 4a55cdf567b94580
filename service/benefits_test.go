package service

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func listFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "benefits.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAListOfBenefitsIsReadLineByLine(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"plain":             "RSA\nAPL\n",
		"with a mark":       "\xef\xbb\xbfRSA\nAPL",
		"joined from two":   "\xef\xbb\xbfRSA\n\xef\xbb\xbfAPL\n",
		"with comments":     "\xef\xbb\xbf# all\r\nRSA\r\n\r\n  APL\r\n",
		"with a name twice": "RSA\nAPL\nRSA\n",
	} {
		names, err := readBenefits(listFile(t, content))
		if got := slices.Sorted(maps.Keys(names)); err != nil || !slices.Equal(got, []string{"APL", "RSA"}) {
			t.Errorf("%s: got %q and %v", name, got, err)
		}
	}
}

func TestAListThatNoRecordCouldMatchIsRefusedByFileAndLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, says string }{
		"UTF-16 with a mark":        {"\xff\xfeR\x00S\x00A\x00\n\x00", "line 1"},
		"UTF-16 without a mark":     {"R\x00S\x00A\x00\n\x00", "line 1: holds a NUL"},
		"big-endian UTF-16":         {"\xfe\xff\x00R\x00S\x00A", "line 1"},
		"Latin-1 in the third line": {"RSA\nAPL\nprime d'activit\xe9\n", "line 3: is not UTF-8"},
		"a cut character":           {"RSA\n\xe2\x82\n", "line 2: is not UTF-8"},
		"a name that is too long":   {"RSA\n" + strings.Repeat("x", 257) + "\n", "line 2: has 257 bytes"},
		"nothing":                   {"\xef\xbb\xbf# none\n", "names no benefit"},
	} {
		path := listFile(t, test.content)
		names, err := readBenefits(path)
		if !errors.Is(err, ErrConfig) || names != nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v and %v, want %q and the path", name, names, err, test.says)
		}
	}
}

// TestAPipeIsNotWaitedForAtEveryHangup has files that are read again be none that block.
func TestAPipeIsNotWaitedForAtEveryHangup(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readBenefits(pipe); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a list of benefits in a pipe: %v", err)
	}
	if _, err := loadCertificate(pipe, pipe); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a certificate in a pipe: %v", err)
	}
}
