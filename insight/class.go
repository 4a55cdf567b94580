package insight

import (
	"math"

	"stats-recorder/counters"
)

const (
	// exactClasses is how many places from 1 on have a class of their own.
	exactClasses = 32
	// classesPerOctave is how many classes a doubling of the place has beyond.
	classesPerOctave = 8
	// Classes is one more than the largest class of a place that counters can hold.
	Classes = exactClasses + 1 + 40
)

// classOf is the class of each place that counters can hold.
var classOf = func() (classes [counters.MaxPosition + 1]uint8) {
	for place := range classes {
		classes[place] = uint8(computeClass(place))
	}
	return classes
}()

// Class is the class of an index (then it is a rank class) or of a page total
// (a length class): x up to 32, beyond that 33 + #{j : e_j ≤ x} with
// e_j = ceil(32·2^(j/8)), j = 1 … 40, which is 8 classes an octave (35, 39, 42,
// 46, 50, 54, 59, 64 …). Places beyond counters.MaxPosition are in the last
// class, 72. Class 0 is that of odd records of imports only.
//
// Without classes a fit of long pages has as many parameters as places, each
// with hardly a click (design of this project; 32 and 8 are a choice, not a law).
func Class(x uint16) int {
	return int(classOf[min(int(x), counters.MaxPosition)])
}

func computeClass(x int) int {
	if x <= exactClasses {
		return x
	}
	class := exactClasses + 1
	for j := 1; classStart(j) <= x; j++ {
		class++
	}
	return class
}

// classStart is e_j.
func classStart(j int) int {
	return int(math.Ceil(exactClasses * math.Exp2(float64(j)/classesPerOctave)))
}

// ClassRange is the first and the last place of a class, both within it. The
// last class ends at counters.MaxPosition. There is no class beyond the last.
func ClassRange(class int) (from, to uint16) {
	if class <= exactClasses {
		return uint16(class), uint16(class)
	}
	first := exactClasses + 1
	if class > first {
		first = classStart(class - exactClasses - 1)
	}
	last := classStart(class-exactClasses) - 1
	return uint16(first), uint16(min(last, counters.MaxPosition))
}
