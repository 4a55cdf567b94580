package service

import (
	"fmt"
	"os"
	"strings"
)

// readBenefits reads the names of the benefits that exist, one a line. Empty
// lines and lines that begin with # say nothing. No path means no list: nil.
func readBenefits(path string) (map[string]struct{}, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: BENEFITS_FILE: %w", ErrConfig, err)
	}
	names := map[string]struct{}{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			names[line] = struct{}{}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: BENEFITS_FILE: %q names no benefit, so every record would be refused", ErrConfig, path)
	}
	return names, nil
}
