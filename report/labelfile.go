package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrLabels is returned for a file of labels that cannot be read.
var ErrLabels = errors.New("bad file of labels")

// mostLabelBytes bounds a file of labels: one of other content is noticed before it
// fills the memory.
const mostLabelBytes = 64 << 20

// ReadLabels reads a file of labels in UTF-8, with or without a byte order mark. It is
// either CSV with a header line that names the columns id, label, group and type, in any
// order, between commas, semicolons or tabs, of which only id is needed; or JSON: a
// list of benefits, which have id or slug, label, and institution or group. It returns
// ErrLabels, with the file and the line, for any other.
func ReadLabels(path string) (Labels, error) {
	content, err := readLabelFile(path)
	if err != nil {
		return nil, err
	}
	read := labelsOfCSV
	if beginning := bytes.TrimSpace(content); len(beginning) > 0 && (beginning[0] == '[' || beginning[0] == '{') {
		read = labelsOfJSON
	}
	labels, err := read(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %q%w", ErrLabels, path, err)
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%w: %q names no benefit", ErrLabels, path)
	}
	return labels, nil
}

func readLabelFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLabels, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %q is no regular file, which could be read again", ErrLabels, path)
	}
	if info.Size() > mostLabelBytes {
		return nil, fmt.Errorf("%w: %q has %d bytes: want at most %d", ErrLabels, path, info.Size(), mostLabelBytes)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLabels, err)
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	line := 0
	for text := range bytes.Lines(content) {
		line++
		if bytes.IndexByte(text, 0) >= 0 {
			return nil, fmt.Errorf("%w: %q, line %d: holds a NUL; is it UTF-16? save the file as UTF-8", ErrLabels, path, line)
		}
		if !utf8.Valid(text) {
			return nil, fmt.Errorf("%w: %q, line %d: is not UTF-8; save the file as UTF-8", ErrLabels, path, line)
		}
	}
	return content, nil
}

// lineError is what is wrong with a line; it follows the name of the file.
func lineError(line int, format string, arguments ...any) error {
	return fmt.Errorf(", line "+strconv.Itoa(line)+": "+format, arguments...)
}

func labelsOfCSV(content []byte) (Labels, error) {
	reader := csv.NewReader(bytes.NewReader(content))
	header, _, _ := bytes.Cut(content, []byte("\n"))
	reader.Comma = separatorOf(header)
	reader.FieldsPerRecord = -1
	names, err := reader.Read()
	if err != nil {
		return nil, lineError(1, "want a header such as id,label,group,type: %w", err)
	}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
	}
	if !slices.Contains(names, "id") {
		return nil, lineError(1, "has no column id: want a header such as id,label,group,type, or JSON")
	}
	labels := Labels{}
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return labels, nil
		} else if err != nil {
			return nil, fmt.Errorf(": %w", err) // which says the line
		}
		line, _ := reader.FieldPos(0)
		row := map[string]string{}
		for i, name := range names {
			if i < len(fields) {
				row[name] = strings.TrimSpace(fields[i])
			}
		}
		if row["id"] == "" {
			return nil, lineError(line, "has no id")
		}
		if _, twice := labels[row["id"]]; twice {
			return nil, lineError(line, "has %q for the second time", row["id"])
		}
		labels[row["id"]] = Label{Label: row["label"], Group: row["group"], Type: row["type"]}
	}
}

// separatorOf is what stands between the columns of a header: spreadsheets of some
// countries write semicolons.
func separatorOf(header []byte) rune {
	for _, separator := range ";\t" {
		if bytes.ContainsRune(header, separator) {
			return separator
		}
	}
	return ','
}

// labelsOfJSON reads a list of benefits, an object that has one, or a list of
// institutions that have one each.
func labelsOfJSON(content []byte) (Labels, error) {
	var root any
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		offset := int64(len(content)) // where it is cut off
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			offset = min(syntax.Offset, offset)
		}
		return nil, lineError(1+bytes.Count(content[:offset], []byte("\n")), "is not valid JSON: %w", err)
	}
	labels := Labels{}
	if err := labels.addJSON(root, Label{}); err != nil {
		return nil, fmt.Errorf(": %w", err)
	}
	return labels, nil
}

// addJSON adds the benefits below a value, whose institution is known already or not.
func (l Labels) addJSON(value any, institution Label) error {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			if err := l.addJSON(item, institution); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	case map[string]any:
		for _, list := range []string{"benefits", "institutions"} {
			if below, has := value[list]; has {
				return l.addJSON(below, Label{Group: textOf(value, "label", "name"), Type: textOf(value, "type")})
			}
		}
		return l.addBenefit(value, institution)
	default:
		return errors.New("is no object with an id or a slug")
	}
}

func (l Labels) addBenefit(benefit map[string]any, institution Label) error {
	id, slug := textOf(benefit, "id"), textOf(benefit, "slug")
	if id == "" {
		id, slug = slug, ""
	}
	if id == "" {
		return errors.New("has neither id nor slug")
	}
	label := Label{
		Label: textOf(benefit, "label", "title", "name"),
		Group: cmp.Or(textOf(benefit, "group"), institutionOf(benefit, "label", "name", "slug", "id"), institution.Group),
		Type:  cmp.Or(institutionOf(benefit, "type"), institution.Type, textOf(benefit, "type")),
	}
	if before, twice := l[id]; twice && !before.Alias && before != label {
		return fmt.Errorf("has %q for the second time, with another label", id)
	}
	l[id] = label
	if _, taken := l[slug]; slug != "" && !taken {
		label.Alias = true
		l[slug] = label
	}
	return nil
}

// institutionOf is a text of a benefit's institution, which is an object, or itself
// the text.
func institutionOf(benefit map[string]any, names ...string) string {
	if object, is := benefit["institution"].(map[string]any); is {
		return textOf(object, names...)
	}
	if slices.Contains(names, "label") {
		return textOf(benefit, "institution")
	}
	return ""
}

// textOf is the first text or number that an object has under one of the names.
func textOf(object map[string]any, names ...string) string {
	for _, name := range names {
		switch value := object[name].(type) {
		case string:
			if value = strings.TrimSpace(value); value != "" {
				return value
			}
		case json.Number:
			return value.String()
		}
	}
	return ""
}
