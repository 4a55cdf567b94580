package docs

import (
	"regexp"
	"strings"
)

// fence is a block of code, with its language and its text.
var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// A step is a block of code of a document, or a script that the reader does not see,
// with what is to be done with it.
type step struct {
	line     int
	language string // empty for an order without a script
	text     string
	order    string // as in order below, or empty
	argument string
}

// An order stands in a comment of the document, which the reader does not see:
//
//	<!-- try: not, because … -->   the next block is not run
//	<!-- try: start -->            the next block goes on running, until stop
//	<!-- try: fails 1 -->          the next block ends with this code
//	<!-- try: stop -->             what was started is ended, as by Ctrl-C
//	<!-- try: run
//	script -->                     the script is run before the next block
//
// start and stop may have a script of their own too.
var (
	stepPattern = regexp.MustCompile("(?ms)<!-- try: (\\w+)([^\n]*?)(?:\n(.*?))?\\s*-->|^( *)```(\\w+)\n(.*?)^ *```$")
)

// stepsOf are the steps of a document in their order.
func stepsOf(document string) (steps []step) {
	var pending step // an order for the next block
	for _, at := range stepPattern.FindAllStringSubmatchIndex(document, -1) {
		part := func(group int) string {
			if at[2*group] < 0 {
				return ""
			}
			return document[at[2*group]:at[2*group+1]]
		}
		line := 1 + strings.Count(document[:at[0]], "\n")
		if order := part(1); order != "" {
			found := step{line: line, text: part(3), order: order, argument: strings.Trim(part(2), " ,")}
			if found.text == "" && order != "stop" {
				pending = found
				continue
			}
			found.language = "sh"
			steps = append(steps, found)
			continue
		}
		text := part(6)
		if indent := part(4); indent != "" {
			text = regexp.MustCompile(`(?m)^`+indent).ReplaceAllString(text, "")
		}
		steps = append(steps, step{line: line, language: part(5), text: text, order: pending.order, argument: pending.argument})
		pending = step{}
	}
	return steps
}
