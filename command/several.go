package command

import (
	"fmt"

	"github.com/dustin/go-humanize/english"
)

// several is a number of things, such as 1 file or 2 files.
func several[number int | uint64](count number, thing string) string {
	return fmt.Sprintf("%d %s", count, english.PluralWord(int(min(count, 2)), thing, ""))
}
