package report

import (
	"maps"
	"slices"
)

// A Label is what people know a benefit by.
type Label struct {
	// Label is its name, Group who offers it, Type what sort of benefit it is. Empty
	// is not known.
	Label, Group, Type string
}

// Labels are those of benefits by id. They do not change once a Reporter has them.
type Labels map[string]Label

// ids are the benefits that have labels, in ascending order.
func (l Labels) ids() []string { return slices.Sorted(maps.Keys(l)) }

// Identity is how answers name a benefit.
type Identity struct {
	ID    string `json:"id"`
	Label Text   `json:"label"`
	Group Text   `json:"group"`
	Type  Text   `json:"type"`
}

func (l Labels) identity(id string) Identity {
	label := l[id]
	return Identity{ID: id, Label: Text(label.Label), Group: Text(label.Group), Type: Text(label.Type)}
}
