package exporter

import (
	"io"
	"strings"
)

// byteOrderMark tells a spreadsheet that the text is UTF-8: without it some take
// the code page of the machine.
const byteOrderMark = "\xef\xbb\xbf"

// newSpreadsheetWriter writes CSV whose texts stay texts.
func newSpreadsheetWriter(w io.Writer) rowWriter {
	return &spreadsheetWriter{out: w, rows: newCSVWriter(w)}
}

type spreadsheetWriter struct {
	out    io.Writer
	rows   *csvWriter
	marked bool
}

func (s *spreadsheetWriter) write(row Row, day date) error {
	if err := s.mark(); err != nil {
		return err
	}
	row.Benefit, row.EventType = inert(row.Benefit), inert(row.EventType)
	return s.rows.write(row, day)
}

func (s *spreadsheetWriter) close() error {
	if err := s.mark(); err != nil {
		return err
	}
	return s.rows.close()
}

func (s *spreadsheetWriter) mark() error {
	if s.marked {
		return nil
	}
	s.marked = true
	_, err := io.WriteString(s.out, byteOrderMark)
	return err
}

// inert puts an apostrophe before a text that a spreadsheet would calculate: one
// that begins with a sign of a formula, also a full-width one or one behind white
// space, which some take off. (OWASP, "CSV Injection".)
func inert(text string) string {
	beginning := strings.TrimLeft(text, " \t\r\n\u00a0\u3000\ufeff")
	if beginning != "" && strings.ContainsRune("=+-@＝＋－＠\x00", firstRune(beginning)) {
		return "'" + text
	}
	if text != "" && strings.ContainsRune("\t\r\n", firstRune(text)) {
		return "'" + text
	}
	return text
}

func firstRune(text string) rune {
	for _, r := range text {
		return r
	}
	return 0
}
