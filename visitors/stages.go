package visitors

// Stages are how far a visitor went, as a set of bits.
type Stages uint8

// The stages of the funnel. A record that reaches none, of an event type outside
// it, is zero.
const (
	Shown Stages = 1 << iota
	Opened
	Acted

	stageBits = 3
	allStages = 1<<stageBits - 1
)

// StageSets is how many sets of stages there are, with the empty one.
const StageSets = 1 << stageBits

// StageTable says which stages a record of an event type reaches: one for most,
// none for event types outside the funnel. The index is what Batch.Add
// was given: a number of the type in this process.
type StageTable [256]Stages

// An Assignment is a variant of an experiment that a record names. Both are texts
// of strangers.
type Assignment struct{ Experiment, Variant []byte }
