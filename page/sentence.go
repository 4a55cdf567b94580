package page

import (
	"html/template"
	"math"
	"strings"

	"stats-recorder/page/words"
)

// join sets sentences one after another.
func join(sentences ...template.HTML) template.HTML {
	var said []string
	for _, s := range sentences {
		if s != "" {
			said = append(said, string(s))
		}
	}
	return template.HTML(strings.Join(said, " "))
}

// times is a ratio as a sentence has it: with one decimal, with two below 1.
func times(l *words.Language, x float64) string {
	switch {
	case x < 0.95:
		return l.Number(x, 2)
	case x >= 10:
		return l.Number(x, 0)
	}
	return l.Number(x, 1)
}

// about is a number with two significant digits, as is honest for a calculation.
func about(l *words.Language, x float64) string {
	if x <= 0 || math.IsNaN(x) {
		return l.Number(0, 0)
	}
	scale := math.Pow(10, math.Floor(math.Log10(x))-1)
	rounded := math.Round(x/scale) * scale
	decimals := 0
	if scale < 1 {
		decimals = int(-math.Round(math.Log10(scale)))
	}
	return l.Number(rounded, min(decimals, 3))
}

// probability is a p-value with two digits. One that is not told is that of a broken draw, which
// is below a thousandth.
func probability(l *words.Language, p float64) string {
	if p < 0.001 || math.IsNaN(p) {
		return "p < " + l.Number(0.001, 3)
	}
	decimals := 2
	if p < 0.01 {
		decimals = 3
	}
	return "p = " + l.Number(p, decimals)
}
