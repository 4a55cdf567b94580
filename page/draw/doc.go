// Package draw makes pictures as inline SVG, from numbers and from text that was
// written for the language before.
//
// The one idea: x is in percent and y in pixels, without a viewBox. So a picture follows
// the width of its column, and its text never shrinks. Only curves and areas stand in a
// nested SVG that is stretched, with strokes that are not. Colours are classes of the
// style sheet, so that themes and forced colours hold for pictures too.
//
// All functions are pure. Text is escaped; it may be hostile.
package draw
