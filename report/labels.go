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
	// Alias says that it is another id of a benefit that has its own.
	Alias bool
}

// Labels are those of benefits by id. They do not change once a Reporter has them.
type Labels map[string]Label

// ids are the benefits that have labels, in ascending order, each by its own id.
func (l Labels) ids() []string {
	ids := slices.Sorted(maps.Keys(l))
	return slices.DeleteFunc(ids, func(id string) bool { return l[id].Alias })
}

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
