package importer

import "bytes"

// jsonState is what may come next in a stream of JSON documents.
type jsonState uint8

const (
	jsonStart     jsonState = iota // a document, or the bracket of an array
	jsonDocument                   // a document or the end; not in an array
	jsonFirst                      // in an array: a document or the closing bracket
	jsonNext                       // in an array, after a comma: a document
	jsonSeparator                  // in an array, after a document: a comma or the closing bracket
	jsonClosed                     // after the array: the end
)

// jsonSplitter finds documents that follow one another, with or without line
// breaks, or that are the elements of one array. It finds where each ends by
// its brackets and quotes and leaves it to the decoder to say whether it is
// valid, so that most of the work is the workers'.
type jsonSplitter struct {
	state jsonState
}

func (s *jsonSplitter) split(data []byte, ended bool, spans []span) ([]span, int, error) {
	position := 0
	for {
		position = skipSpace(data, position)
		if position == len(data) {
			return spans, position, s.end(ended, position)
		}
		if s.punctuation(data[position]) {
			position++
			continue
		}
		if s.state == jsonSeparator || s.state == jsonClosed {
			return spans, position, corrupt(position, "have %q, want %s", data[position], s.wanted())
		}
		end := jsonEnd(data, position, ended)
		switch {
		case end == position:
			return spans, position, corrupt(position, "have %q, want %s", data[position], s.wanted())
		case end < 0 && ended:
			return spans, position, truncated(position, "the document has no end")
		case end < 0 && len(data)-position > maxJSONBytes:
			return spans, position, corrupt(position, "document of more than %d bytes", maxJSONBytes)
		case end < 0:
			return spans, position, nil
		}
		spans = append(spans, span{position, end})
		position = end
		s.documentRead()
	}
}

// punctuation takes a character that is between documents, if it may come now.
func (s *jsonSplitter) punctuation(c byte) bool {
	switch {
	case c == '[' && s.state == jsonStart:
		s.state = jsonFirst
	case c == ']' && (s.state == jsonFirst || s.state == jsonSeparator):
		s.state = jsonClosed
	case c == ',' && s.state == jsonSeparator:
		s.state = jsonNext
	default:
		return false
	}
	return true
}

func (s *jsonSplitter) documentRead() {
	if s.state == jsonStart || s.state == jsonDocument {
		s.state = jsonDocument
	} else {
		s.state = jsonSeparator
	}
}

func (s *jsonSplitter) end(ended bool, position int) error {
	if ended && (s.state == jsonFirst || s.state == jsonNext || s.state == jsonSeparator) {
		return truncated(position, "the array is not closed")
	}
	return nil
}

func (s *jsonSplitter) wanted() string {
	switch s.state {
	case jsonSeparator:
		return "a comma or the end of the array"
	case jsonClosed:
		return "the end, after the array"
	default:
		return "a document"
	}
}

// jsonEnd returns where the JSON value at a position ends, -1 when that is not
// in data, or the position itself when there is no value.
func jsonEnd(data []byte, position int, ended bool) int {
	switch data[position] {
	case '{', '[':
		return bracketsEnd(data, position)
	case '"':
		return stringEnd(data, position)
	}
	for end := position; end < len(data); end++ {
		switch data[end] {
		case ' ', '\n', '\t', '\r', ',', ':', '"', '{', '}', '[', ']':
			return end
		}
	}
	if ended {
		return len(data)
	}
	return -1
}

// structural are the characters that matter for where a value ends.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

func bracketsEnd(data []byte, position int) int {
	depth := 0
	for position < len(data) {
		c := data[position]
		if !structural[c] {
			position++
			continue
		}
		switch c {
		case '"':
			if position = stringEnd(data, position); position < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		default:
			depth--
		}
		position++
		if depth == 0 {
			return position
		}
	}
	return -1
}

// stringEnd returns the position after the closing quote of the string at a
// position, or -1.
func stringEnd(data []byte, position int) int {
	for end := position + 1; ; end++ {
		next := bytes.IndexByte(data[end:], '"')
		if next < 0 {
			return -1
		}
		end += next
		backslashes := 0
		for data[end-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return end + 1
		}
	}
}

func skipSpace(data []byte, position int) int {
	for position < len(data) {
		switch data[position] {
		case ' ', '\n', '\t', '\r':
			position++
		default:
			return position
		}
	}
	return position
}
