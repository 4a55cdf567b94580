package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// writeTables writes the tables of all cells for a terminal.
func (r *report) writeTables(output io.Writer) {
	for position := range r.Cells {
		fmt.Fprintf(output, "\n%s\n", r.Cells[position].title())
		writeTable(output, r.Cells[position].rows())
	}
	for position := range r.Growth {
		fmt.Fprintf(output, "\n%s\n", r.Growth[position].title())
		writeTable(output, r.Growth[position].rows())
	}
	for _, note := range r.notes() {
		fmt.Fprintf(output, "\n%s", note)
	}
	fmt.Fprintln(output)
}

// notes explain the figures, and end with those of the run.
func (r *report) notes() []string {
	notes := []string{
		"Every count was read back and is exactly what was acknowledged.",
		"CPU is user and system time of the target's process; disk is what it had written to storage, in whole blocks.",
		"Figures are medians of rounds measured in turns; ratios are medians of quotients of neighbouring rounds.",
		"Latencies are of all rounds together, but for the p99 of 0.1 s: the median of those of pieces of a round, in which what is slow in fewer than half of them does not show.",
	}
	return append(notes, r.Notes...)
}

// writeMarkdown writes the report as a Markdown document.
func (r *report) writeMarkdown(output io.Writer, pictures []picture) {
	fmt.Fprintf(output, "# Benchmark of %s\n\n", r.Started.Format("2 January 2006, 15:04"))
	fmt.Fprintf(output, "    %s\n\n", strings.Join(r.Command, " "))
	fmt.Fprintf(output, "%s, %d cores, %s, %s", r.Machine.Processor, r.Machine.Cores, r.Machine.System, r.Machine.Go)
	if r.Revision != "" {
		fmt.Fprintf(output, ", revision %s", r.Revision)
	}
	fmt.Fprint(output, ". Load generator on the same machine.\n")
	for _, picture := range pictures {
		fmt.Fprintf(output, "\n![%s](%s)\n", picture.shows, picture.name)
	}
	for position := range r.Cells {
		fmt.Fprintf(output, "\n## %s\n\n", capitalized(r.Cells[position].title()))
		writeMarkdownTable(output, r.Cells[position].rows())
	}
	for position := range r.Growth {
		fmt.Fprintf(output, "\n## %s\n\n", capitalized(r.Growth[position].title()))
		writeMarkdownTable(output, r.Growth[position].rows())
	}
	fmt.Fprintln(output)
	for _, note := range r.notes() {
		fmt.Fprintf(output, "- %s\n", note)
	}
}

// capitalized begins a title with a capital letter; titles begin in ASCII.
func capitalized(title string) string { return strings.ToUpper(title[:1]) + title[1:] }

// picture is a file of results and, where it is a picture, what that shows.
type picture struct {
	name, shows string
	content     []byte
}

// pictures are the plots of all that was measured, in files whose names begin so.
func (r *report) pictures(base string) (drawn []picture, err error) {
	if len(r.Cells) > 0 {
		content, err := r.plot()
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, picture{base + ".png", "Throughput and latency", content})
	}
	if len(r.Growth) > 0 {
		content, err := r.plotGrowth()
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, picture{base + "-growth.png", "How costs grow", content})
	}
	return drawn, nil
}

// save writes the report in all its forms, named by when it was begun, and
// returns the names of the files.
func (r *report) save(directory string) ([]string, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("directory for results: %w", err)
	}
	base := filepath.Join(directory, r.Started.UTC().Format("2006-01-02T15-04-05Z"))
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode results: %w", err)
	}
	pictures, err := r.pictures(filepath.Base(base))
	if err != nil {
		return nil, fmt.Errorf("plot results: %w", err)
	}
	var markdown strings.Builder
	r.writeMarkdown(&markdown, pictures)
	files := append([]picture{
		{name: filepath.Base(base) + ".json", content: append(encoded, '\n')},
		{name: filepath.Base(base) + ".md", content: []byte(markdown.String())},
	}, pictures...)
	var names []string
	for _, file := range files {
		name := filepath.Join(directory, file.name)
		if err := os.WriteFile(name, file.content, 0o644); err != nil {
			return nil, fmt.Errorf("write results: %w", err)
		}
		names = append(names, name)
	}
	return names, nil
}
