//go:build !linux

package contract

import "testing"

// limitFileSize skips the test.
func limitFileSize(t *testing.T, _ int, _ uint64) {
	t.Helper()
	t.Skip("only Linux can limit the files of a running process")
}
