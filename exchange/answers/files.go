package answers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Recognize says whether a file holds an answer, by its first element. A file that
// cannot be read is none: whoever takes it for something else says why.
func Recognize(path string) bool { return kindOf(path) != "" }

// kindOf is the path of the request that a file has the answer of; empty for neither.
func kindOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	decoder := json.NewDecoder(withoutMark(file))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') || !decoder.More() {
		return ""
	}
	var first map[string]json.RawMessage
	if decoder.Decode(&first) != nil || len(first["events"]) == 0 || first["events"][0] != '{' {
		return ""
	}
	_, hasBenefit := first["benefit"]
	_, hasID := first["id"]
	switch {
	case hasBenefit:
		return Statistics
	case hasID:
		return Benefits
	}
	return ""
}

// Read reads answers that were saved to files: one of each kind, or only one.
func Read(paths []string) (Answers, error) {
	var answers Answers
	for _, path := range paths {
		if err := answers.readFile(path); err != nil {
			return Answers{}, fmt.Errorf("read %q: %w", path, err)
		}
	}
	return answers, nil
}

func (a *Answers) readFile(path string) error {
	kind := kindOf(path)
	if (kind == Benefits && a.Sums != nil) || (kind == Statistics && a.Positions != nil) {
		return fmt.Errorf("%w, GET %s; import one of them", ErrTwice, kind)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	content := io.LimitReader(withoutMark(file), maxAnswerBytes)
	switch kind {
	case Benefits:
		return a.readSums(content)
	case Statistics:
		return a.readPositions(content)
	}
	return fmt.Errorf("%w: want the answer of GET %s or GET %s; dumps and exports are imported without answers", ErrAnswer, Statistics, Benefits)
}

// withoutMark leaves out the byte order mark that some programs write before JSON.
func withoutMark(content io.Reader) io.Reader {
	const mark = "\ufeff"
	buffered := bufio.NewReader(content)
	if start, err := buffered.Peek(len(mark)); err == nil && string(start) == mark {
		_, _ = buffered.Discard(len(mark)) // it has them
	}
	return buffered
}
