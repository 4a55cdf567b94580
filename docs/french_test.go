package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// frenchOf are the documents that there are in French too.
var frenchOf = map[string]string{
	"README.md":          "README.fr.md",
	"docs/operations.md": "docs/fr/operations.md",
	"docs/migration.md":  "docs/fr/migration.md",
}

// TestFrenchDocumentsSayTheSame holds headings in their order, by level, and all that a
// reader types or gets: blocks of commands and what they print, with the orders of
// this test. A change of one is a change of both.
func TestFrenchDocumentsSayTheSame(t *testing.T) {
	t.Parallel()
	for english, french := range frenchOf {
		in, out := readDocument(t, english), readDocument(t, french)
		if want, got := headingLevels(in), headingLevels(out); !slices.Equal(want, got) {
			t.Errorf("%s has headings of the levels\n%q, and %s has\n%q", english, want, french, got)
		}
		want, got := blocks(in), blocks(out)
		if len(want) != len(got) {
			t.Errorf("%s has %d blocks of code, and %s has %d", english, len(want), french, len(got))
			continue
		}
		for i := range want {
			if want[i] != got[i] {
				t.Errorf("block %d of %s is\n%sand that of %s\n%s", i+1, english, want[i], french, got[i])
			}
		}
	}
}

// TestFrenchDocumentsNameWhatTheEnglishOnesDo holds settings, metrics, flags and paths,
// which are names and the same in every language.
func TestFrenchDocumentsNameWhatTheEnglishOnesDo(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile("`(?:[A-Z][A-Z_]+|--[a-z-]+|stats_recorder_\\w+|GET /[a-z/]*)`")
	for english, french := range frenchOf {
		in, out := readDocument(t, english), readDocument(t, french)
		want, got := name.FindAllString(in, -1), name.FindAllString(out, -1)
		for _, one := range want {
			if !slices.Contains(got, one) {
				t.Errorf("%s does not name %s, which %s does", french, one, english)
			}
		}
		for _, one := range got {
			if !slices.Contains(want, one) {
				t.Errorf("%s names %s, which %s does not", french, one, english)
			}
		}
	}
}

// headingLevels are the numbers of # of the headings.
func headingLevels(document string) []string {
	return firsts(regexp.MustCompile(`(?m)^(#+) `), withoutCode(document))
}

// blocks are the blocks of code, and the orders.
func blocks(document string) (all []string) {
	for _, step := range stepsOf(document) {
		all = append(all, step.order+" "+step.argument+" "+step.language+"\n"+step.text)
	}
	return all
}

// TestFrenchDocumentsHaveTheSameFigures holds what a section says in numbers, and how many
// paragraphs, points and rows it has, so that a sentence that was changed in one language
// shows in the other.
func TestFrenchDocumentsHaveTheSameFigures(t *testing.T) {
	t.Parallel()
	for english, french := range frenchOf {
		in, out := sectionsOf(readDocument(t, english)), sectionsOf(readDocument(t, french))
		if len(in) != len(out) {
			t.Errorf("%s has %d sections, and %s has %d", english, len(in), french, len(out))
			continue
		}
		for i := range in {
			if want, got := figuresOf(in[i]), figuresOf(out[i]); !slices.Equal(want, got) {
				t.Errorf("%s has in %q\n%q\nand %s in %q\n%q", english, titleOf(in[i]), want, french, titleOf(out[i]), got)
			}
			if want, got := shapeOf(in[i]), shapeOf(out[i]); want != got {
				t.Errorf("%s has in %q %+v, and %s in %q %+v", english, titleOf(in[i]), want, french, titleOf(out[i]), got)
			}
		}
	}
}

// sectionsOf are the parts of a document, each with its heading, without blocks of code.
func sectionsOf(document string) []string {
	return regexp.MustCompile(`(?m)^#+ `).Split(withoutCode(document), -1)
}

func titleOf(section string) string {
	title, _, _ := strings.Cut(section, "\n")
	return title
}

// figuresOf are the numbers of a text in their order by value, as both languages have
// them once the marks of decimals and thousands are gone.
func figuresOf(text string) []string {
	marks := regexp.MustCompile(`(\d)[.,  ](\d)`)
	for marks.MatchString(text) {
		text = marks.ReplaceAllString(text, "$1$2")
	}
	figures := regexp.MustCompile(`\d+`).FindAllString(text, -1)
	slices.Sort(figures)
	return figures
}

// shape is how a text is laid out.
type shape struct{ paragraphs, points, rows int }

func shapeOf(section string) shape {
	count := func(pattern string) int { return len(regexp.MustCompile(pattern).FindAllString(section, -1)) }
	return shape{paragraphs: count(`\n\n`), points: count(`(?m)^ *(?:-|\d\.) `), rows: count(`(?m)^\|`)}
}
