package insight

import (
	"testing"

	"stats-recorder/contract/blackbox"
)

// TestMain removes what the tests have built.
func TestMain(m *testing.M) { blackbox.Main(m) }
