package command

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"stats-recorder/service"
)

// roff is a manual page in the format of man(7), which grows from top to bottom.
type roff struct{ strings.Builder }

// newRoff begins a page with its name and section. The version at its foot is
// that of this binary.
func newRoff(name, section string) *roff {
	build := service.ReadBuild()
	day, _, _ := strings.Cut(build.Date, "T")
	page := &roff{}
	fmt.Fprintf(page, ".TH %s %s %q %q\n", name, section, day, "stats-recorder "+build.Version)
	return page
}

func (r *roff) section(heading string)    { fmt.Fprintf(r, ".SH %s\n", literal(heading)) }
func (r *roff) subsection(heading string) { fmt.Fprintf(r, ".SS %s\n", literal(heading)) }

// text is a paragraph.
func (r *roff) text(text string) {
	if text != "" {
		fmt.Fprintf(r, ".PP\n%s\n", literal(text))
	}
}

// lines are lines that stay as they are.
func (r *roff) lines(lines ...string) {
	fmt.Fprintf(r, ".nf\n%s\n.fi\n", literal(strings.Join(lines, "\n")))
}

// entry is a term and what it means.
func (r *roff) entry(term, meaning string) {
	fmt.Fprintf(r, ".TP\n\\fB%s\\fR\n%s\n", literal(term), literal(meaning))
}

// flag is an entry for a flag of a command.
func (r *roff) flag(flag cli.Flag) {
	documented, ok := flag.(cli.DocGenerationFlag)
	if !ok || flag.Names()[0] == "help" {
		return
	}
	term := "--" + flag.Names()[0]
	if documented.TakesValue() {
		term += "=" + strings.ToUpper(documented.TypeName())
	}
	meaning := documented.GetUsage()
	if preset := documented.GetDefaultText(); preset != "" && documented.TakesValue() {
		meaning += " (default: " + strings.Trim(preset, `"`) + ")"
	}
	r.entry(term, meaning)
}

// settings are entries under their groups, with the names that a page gives them.
func (r *roff) settings(settings []service.Setting, nameOf func(service.Setting) string) {
	for _, group := range service.Groups() {
		r.subsection(group)
		for _, s := range settings {
			if s.Group != group {
				continue
			}
			term := nameOf(s)
			if s.Placeholder != "" {
				term += "=" + strings.ToUpper(s.Placeholder)
			}
			r.entry(term, fmt.Sprintf("%s (%s)", s.Usage, defaultOf(s)))
		}
	}
}

// literal is text that means itself: a dash can be copied into a shell, and no
// line begins a request.
func literal(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
