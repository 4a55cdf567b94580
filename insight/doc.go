// Package insight turns counts into statistics: the worth of a place on a page,
// and the merit of a benefit apart from its places.
//
// The one idea: the clicks that a benefit gets are what an average benefit would
// have got in the same places, times its merit.
//
//	clicks(b, T, k) ≈ shows(b, T, k) · merit(b) · visibility(k) · level(T)
//
// for benefit b at index k of a page of T. A raw rate confuses merit and place,
// because who decides the order thinks of merit. The three factors are told
// apart by benefits that meet one another in several places; where they do not,
// the answer is "not known".
//
// The way of the numbers, each step in the file of its name:
//
//	Counts     shows and clicks by benefit and exact place         counts.go
//	table      the same, pooled to classes of places and lengths   class.go, pool.go
//	problem    the benefits that can be compared                   meet.go
//	solution   the three factors                                   fit.go, newton.go, separate.go
//	Model      the factors and how sure they are                   model.go, variance.go, dispersion.go
//	Analysis   a row a benefit: interval, score, rank, verdict     analysis.go, interval.go, shrink.go, rank.go, verdict.go
//
// Beside it: the model applied to a day (day.go), to other places (exposure.go)
// and to every place (positions.go), checks of the counts (quality.go), the stages
// that visitors reach (stage.go, funnel.go), and experiments (experiment.go).
//
// All functions are pure: no I/O, no clock, no randomness, and the same answer to
// the last digit for the same counts, in whatever order they came. A number
// that cannot be known is an unknown Number, never NaN on the wire.
package insight
