package service

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// maxBenefitBytes is the length of the longest name that a record can have.
const maxBenefitBytes = 256

// readBenefits reads the names of the benefits that exist, one a line, in UTF-8,
// with or without a byte order mark. Empty lines and lines that begin with # say
// nothing. No path means no list: nil.
func readBenefits(path string) (map[string]struct{}, error) {
	if path == "" {
		return nil, nil
	}
	if err := checkReadable(path); err != nil {
		return nil, fmt.Errorf("%w: BENEFITS_FILE: %w", ErrConfig, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: BENEFITS_FILE: %w", ErrConfig, err)
	}
	names := map[string]struct{}{}
	line := 0
	for content := range bytes.Lines(text) {
		line++
		content = bytes.TrimPrefix(content, byteOrderMark) // lists that were joined have more than one
		if err := checkListed(content); err != nil {
			return nil, fmt.Errorf("%w: BENEFITS_FILE: %q, line %d: %w", ErrConfig, path, line, err)
		}
		if name := strings.TrimSpace(string(content)); name != "" && !strings.HasPrefix(name, "#") {
			names[name] = struct{}{}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: BENEFITS_FILE: %q names no benefit, so every record would be refused", ErrConfig, path)
	}
	return names, nil
}

// byteOrderMark is what some programs begin a file in UTF-8 with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// checkListed refuses a line whose name no record could have.
func checkListed(line []byte) error {
	switch {
	case bytes.IndexByte(line, 0) >= 0:
		return errors.New("holds a NUL; is it UTF-16? save the file as UTF-8")
	case !utf8.Valid(line):
		return errors.New("is not UTF-8; save the file as UTF-8")
	case len(bytes.TrimSpace(line)) > maxBenefitBytes:
		return fmt.Errorf("has %d bytes: want at most %d", len(bytes.TrimSpace(line)), maxBenefitBytes)
	}
	return nil
}
