package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Log is what a process wrote, line by line, for those who wait for a line and for
// those who want to know afterwards. It may be used by several goroutines.
type Log struct {
	mutex   sync.Mutex
	partial []byte
	lines   []Line
	closed  bool
	changed chan struct{} // closed, and replaced, at each change
}

// keptLines bounds what is kept; a process that writes more is broken.
const keptLines = 1 << 20

func newLog() *Log { return &Log{changed: make(chan struct{})} }

// Write takes output in pieces of any size.
func (l *Log) Write(output []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.partial = append(l.partial, output...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte{'\n'})
		if !found {
			break
		}
		l.addLocked(string(line))
		l.partial = rest
	}
	l.changeLocked()
	return len(output), nil
}

// close says that nothing will follow.
func (l *Log) close() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.partial) > 0 {
		l.addLocked(string(l.partial))
	}
	l.partial, l.closed = nil, true
	l.changeLocked()
}

func (l *Log) addLocked(text string) {
	if len(l.lines) < keptLines {
		l.lines = append(l.lines, Line{Number: len(l.lines), Text: text})
	}
}

func (l *Log) changeLocked() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Await returns the first line that matches, from a line number on, as soon as it is
// written. The error wraps ErrEnded when the process has ended without it, and
// ErrNotInTime when Patience is used up.
func (l *Log) Await(wanted Match, from int) (Line, error) {
	deadline := time.After(Patience)
	for {
		l.mutex.Lock()
		lines, closed, changed := l.lines, l.closed, l.changed
		l.mutex.Unlock()
		for ; from < len(lines); from++ {
			if wanted.Matches(lines[from]) {
				return lines[from], nil
			}
		}
		if closed {
			return Line{}, fmt.Errorf("awaiting %s: %w; it wrote:\n%s", wanted.Title, ErrEnded, l.Tail())
		}
		select {
		case <-changed:
		case <-deadline:
			return Line{}, fmt.Errorf("awaiting %s: %w, not in %v; the process wrote:\n%s", wanted.Title, ErrNotInTime, Patience, l.Tail())
		}
	}
}

// Lines returns the whole lines so far.
func (l *Log) Lines() []Line {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.lines[:len(l.lines):len(l.lines)]
}

// String is all that was written so far, in whole lines.
func (l *Log) String() string { return joined(l.Lines()) }

// Tail is the end of what was written, for error messages.
func (l *Log) Tail() string {
	const shown = 20
	lines := l.Lines()
	return joined(lines[max(0, len(lines)-shown):])
}

func joined(lines []Line) string {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line.Text)
		text.WriteByte('\n')
	}
	return text.String()
}

// Line is one line of a log.
type Line struct {
	// Number is its place in the log, from 0.
	Number int
	// Text is the line without its end.
	Text string
}

// Attributes are those of a line in JSON. Another line has one, its text as "msg".
func (l Line) Attributes() map[string]any {
	var attributes map[string]any
	if err := json.Unmarshal([]byte(l.Text), &attributes); err != nil || attributes == nil {
		return map[string]any{"msg": strings.TrimSpace(l.Text)}
	}
	return attributes
}

// Attribute returns an attribute that is a string, of a line in JSON or in logfmt, and
// "" where the line has none.
func (l Line) Attribute(name string) string {
	if text, ok := l.Attributes()[name].(string); ok && strings.HasPrefix(l.Text, "{") {
		return text
	}
	found := regexp.MustCompile(`(?:^|\s)` + regexp.QuoteMeta(name) + `="?([^\s"]+)`).FindStringSubmatch(l.Text)
	if found == nil {
		return ""
	}
	return found[1]
}

// Match recognises a line of a log.
type Match struct {
	// Title names it in errors.
	Title string
	// Matches says whether a line is one.
	Matches func(Line) bool
}

// Message matches the lines with a message.
func Message(text string) Match {
	return Match{fmt.Sprintf("the message %q", text), func(line Line) bool {
		return line.Attributes()["msg"] == text
	}}
}

// Containing matches the lines that hold a text.
func Containing(text string) Match {
	return Match{fmt.Sprintf("%q", text), func(line Line) bool { return strings.Contains(line.Text, text) }}
}
