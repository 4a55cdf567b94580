package docs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the drawing of imports anew")

const (
	architecture = "docs/architecture.md"
	drawingStart = "<!-- The drawing is made by: go test ./docs -update -->\n"
	drawingEnd   = "<!-- The end of the drawing. -->\n"
)

// TestTheDrawingOfImportsIsThatOfGoList compares the drawing in architecture.md
// with what go list says, or with -update writes it anew.
func TestTheDrawingOfImportsIsThatOfGoList(t *testing.T) {
	document := readDocument(t, architecture)
	before, rest, startFound := strings.Cut(document, drawingStart)
	have, after, endFound := strings.Cut(rest, drawingEnd)
	if !startFound || !endFound {
		t.Fatalf("%s has no drawing between %q and %q", architecture, drawingStart, drawingEnd)
	}
	want := drawing(listPackages(t))
	if have == want {
		return
	}
	if !*update {
		t.Fatalf("the drawing of imports in %s is out of date: run go test ./docs -update\n%s", architecture, want)
	}
	document = before + drawingStart + want + drawingEnd + after
	if err := os.WriteFile(filepath.Join(root, architecture), []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawing draws packages as a Mermaid flowchart. A package whose tests alone
// import others has dashed arrows.
func drawing(packages []goPackage) string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, p := range packages {
		b.WriteString("    " + node(p.path) + `["` + title(p.path) + "\"]\n")
	}
	for _, p := range packages {
		switch {
		case len(p.imports) > 0:
			b.WriteString("    " + node(p.path) + " --> " + nodes(p.imports) + "\n")
		case len(p.testImports) > 0 && onlyTests(p.path):
			b.WriteString("    " + node(p.path) + " -.-> " + nodes(p.testImports) + "\n")
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// onlyTests says whether a package is there for its tests alone.
func onlyTests(path string) bool {
	r, _ := roomOf(path)
	return r.tests
}

func nodes(paths []string) string {
	var all []string
	for _, path := range paths {
		all = append(all, node(path))
	}
	return strings.Join(all, " & ")
}

// node is a package's name in the text of the drawing, title the one that it shows.
func node(path string) string { return strings.ReplaceAll(title(path), "/", "_") }

func title(path string) string {
	if path == "" {
		return "main"
	}
	return path
}
