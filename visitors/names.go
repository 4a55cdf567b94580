package visitors

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Other names the experiment and the variant that assignments count under when
// there is no room for their names.
const Other = "__other__"

const (
	// MaxNameBytes is how long the name of an experiment or a variant may be.
	MaxNameBytes = 64
	// MaxAssignments is how many assignments of a record are looked at.
	MaxAssignments = 16

	// otherVariant is the number of Other, noExperiment that of its experiment, which
	// has no second variant to cross to. Numbers of variants are below both, and fit
	// in the seven bits of a holding.
	otherVariant = maxVariants
	noExperiment = 255
	maxVariants  = 126
)

// assignment is an Assignment whose names have numbers.
type assignment struct{ experiment, variant uint8 }

// names gives the experiments and variants of a day their numbers. Numbers are
// never taken back. Any goroutine may read.
type names struct {
	limit    int
	variants Variants
	// known says whether a variant is one of those of earlier days.
	known   func(Assignment) bool
	current atomic.Pointer[nameTable]
	growing sync.Mutex
}

// A nameTable is the names at one time. It does not change.
type nameTable struct {
	variants    map[string]uint8 // pairKey → number of the variant
	experiments map[string]uint8 // name → number
	list        []variantName    // by number
	// experimentOf is by number of the variant.
	experimentOf [maxVariants + 1]uint8
	// known are the numbers of sources that say nothing but names of the table. Visitors
	// of the same variants have the same source.
	known map[string]*resolved
}

type variantName struct{ experiment, variant string }

func (n *names) init(config *Config) {
	n.limit, n.variants, n.known = config.Limits.Variants, config.Variants, config.known
	table := &nameTable{variants: map[string]uint8{}, experiments: map[string]uint8{}, known: map[string]*resolved{}}
	table.experimentOf[otherVariant] = noExperiment
	n.current.Store(table)
}

// name is the name of a variant's number.
func (t *nameTable) name(variant uint8) variantName {
	if variant == otherVariant {
		return variantName{Other, Other}
	}
	return t.list[variant]
}

// resolved are the assignments that a source says.
type resolved struct {
	list [MaxAssignments]assignment
	n    int
	// unplaced is how many had no name that can be kept, or no room for it, or came after
	// MaxAssignments.
	unplaced int
}

// maxKnown is how many sources a day knows, maxKnownBytes how long one is. Others are read
// each time.
const (
	maxKnown      = 256
	maxKnownBytes = 512
)

// read gives the assignments of a source their numbers.
func (n *names) read(source []byte, into *resolved) {
	if known := n.current.Load().known[string(source)]; known != nil {
		*into = *known
		return
	}
	n.resolve(source, into)
	if len(source) <= maxKnownBytes && into.unplaced == 0 {
		n.know(source, *into)
	}
}

// know keeps the numbers of a source if there is room.
func (n *names) know(source []byte, numbers resolved) {
	if len(n.current.Load().known) >= maxKnown {
		return // without waiting: a stranger may send new sources without end
	}
	n.growing.Lock()
	defer n.growing.Unlock()
	grown := *n.current.Load()
	if len(grown.known) == maxKnown {
		return
	}
	grown.known = maps.Clone(grown.known)
	grown.known[string(source)] = &numbers
	n.current.Store(&grown)
}

func (n *names) resolve(source []byte, into *resolved) {
	into.n, into.unplaced = 0, 0
	n.variants(source, func(experiment, variant []byte) {
		a := Assignment{experiment, variant}
		if into.n == len(into.list) || !validName(experiment) || !validName(variant) {
			into.unplaced++
			return
		}
		number := n.number(&a)
		if number.variant == otherVariant {
			into.unplaced++
		}
		into.list[into.n] = number
		into.n++
	})
}

func validName(name []byte) bool { return len(name) > 0 && len(name) <= MaxNameBytes }

// number is the number of an assignment; of one that there is no room for, the
// experiment's own if that is known, so that crossing it is still seen.
func (n *names) number(a *Assignment) assignment {
	table := n.current.Load()
	variant, known := table.find(a)
	if !known && string(a.Experiment) != Other {
		table = n.grow(a)
		variant, known = table.find(a)
	}
	if !known {
		return table.overflow(a)
	}
	return assignment{table.experimentOf[variant], variant}
}

func (t *nameTable) overflow(a *Assignment) assignment {
	if experiment, known := t.experiments[string(a.Experiment)]; known {
		return assignment{experiment, otherVariant}
	}
	return assignment{noExperiment, otherVariant}
}

// fewNames is up to how many names comparing with each costs less than a map. A
// site has two experiments of two variants.
const fewNames = 8

// find is the number of a variant.
func (t *nameTable) find(a *Assignment) (variant uint8, known bool) {
	if len(t.list) > fewNames {
		var buffer [1 + 2*MaxNameBytes]byte
		variant, known = t.variants[string(pairKey(buffer[:0], a))]
		return variant, known
	}
	for number := range t.list {
		name := &t.list[number]
		if name.variant == string(a.Variant) && name.experiment == string(a.Experiment) {
			return uint8(number), true
		}
	}
	return 0, false
}

// pairKey appends a text that no two assignments share.
func pairKey(dst []byte, a *Assignment) []byte {
	dst = append(dst, byte(len(a.Experiment)))
	dst = append(dst, a.Experiment...)
	return append(dst, a.Variant...)
}

// grow adds a variant if there is room and it is new, and returns the table after
// it. Names that strangers make up leave room for those of earlier days.
func (n *names) grow(a *Assignment) *nameTable {
	room := n.limit
	if table := n.current.Load(); len(table.list) >= room {
		if len(table.list) == maxVariants || !n.known(*a) {
			return table // without waiting: a stranger may send new names without end
		}
		room = maxVariants
	}
	n.growing.Lock()
	defer n.growing.Unlock()
	table := n.current.Load()
	if _, known := table.find(a); !known && len(table.list) < room {
		table = table.with(a)
		n.current.Store(table)
	}
	return table
}

// with is the table with one more variant.
func (t *nameTable) with(a *Assignment) *nameTable {
	grown := &nameTable{
		variants: maps.Clone(t.variants), experiments: maps.Clone(t.experiments),
		list: slices.Clone(t.list), experimentOf: t.experimentOf, known: t.known,
	}
	name := variantName{string(a.Experiment), string(a.Variant)}
	experiment, known := grown.experiments[name.experiment]
	if !known {
		experiment = uint8(len(grown.experiments))
		grown.experiments[name.experiment] = experiment
	}
	variant := uint8(len(grown.list))
	grown.list = append(grown.list, name)
	grown.variants[string(pairKey(nil, a))] = variant
	grown.experimentOf[variant] = experiment
	return grown
}
