package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// transcript is what a process wrote, line by line, for those who wait for a
// line and for those who want to know afterwards.
type transcript struct {
	mutex   sync.Mutex
	partial []byte
	lines   []string
	closed  bool
	changed chan struct{} // closed, and replaced, at each change
}

// transcriptLines bounds what is kept; a process that writes more is broken.
const transcriptLines = 1 << 20

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// Write takes output in pieces of any size.
func (t *transcript) Write(output []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.partial = append(t.partial, output...)
	for {
		line, rest, found := bytes.Cut(t.partial, []byte{'\n'})
		if !found {
			break
		}
		if len(t.lines) < transcriptLines {
			t.lines = append(t.lines, string(line))
		}
		t.partial = rest
	}
	t.changeLocked()
	return len(output), nil
}

// close says that nothing will follow.
func (t *transcript) close() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.partial) > 0 {
		t.lines = append(t.lines, string(t.partial))
	}
	t.partial, t.closed = nil, true
	t.changeLocked()
}

func (t *transcript) changeLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// errEnded means that a process ended before it did what was waited for.
var errEnded = errors.New("the process ended first")

// await returns the first line that holds a text, in the lines from a number on,
// and the number of the line after it.
func (t *transcript) await(text string, from int) (line string, next int, err error) {
	deadline := time.After(patience)
	for {
		t.mutex.Lock()
		lines, closed, changed := t.lines, t.closed, t.changed
		t.mutex.Unlock()
		for ; from < len(lines); from++ {
			if strings.Contains(lines[from], text) {
				return lines[from], from + 1, nil
			}
		}
		if closed {
			return "", from, fmt.Errorf("waiting for %q: %w; it wrote:\n%s", text, errEnded, t.tail())
		}
		select {
		case <-changed:
		case <-deadline:
			return "", from, fmt.Errorf("%w: %q, in %v; the process wrote:\n%s", errNotInTime, text, patience, t.tail())
		}
	}
}

// all returns the lines so far.
func (t *transcript) all() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.lines[:len(t.lines):len(t.lines)]
}

// tail is the end of what was written, for error messages.
func (t *transcript) tail() string {
	const shown = 15
	lines := t.all()
	return strings.Join(lines[max(0, len(lines)-shown):], "\n")
}
