package importer

import (
	"fmt"
	"slices"
	"strings"
)

// chooser decides which collection of a directory or an archive is read: the
// one that was asked for, or the only one.
type chooser struct {
	wanted string // "collection" or "database.collection"; empty is any
	chosen string // "database.collection"; empty as long as there is none
}

// choose reports whether a collection is the one to read.
func (c *chooser) choose(database, collection string) (bool, error) {
	namespace := database + "." + collection
	if c.wanted == "" && isInternal(database, collection) {
		return false, nil
	}
	if c.wanted != "" && c.wanted != collection && c.wanted != namespace {
		return false, nil
	}
	if c.chosen != "" && c.chosen != namespace {
		return false, fmt.Errorf("%w: %q and %q; name the one to read", ErrSeveralCollections, c.chosen, namespace)
	}
	c.chosen = namespace
	return true, nil
}

// found returns an error when nothing was chosen.
func (c *chooser) found() error {
	switch {
	case c.chosen != "":
		return nil
	case c.wanted != "":
		return fmt.Errorf("%w: %q", ErrNoCollection, c.wanted)
	default:
		return ErrNoCollection
	}
}

// isInternal reports whether a collection belongs to MongoDB itself. The oplog
// is the only one that a dump has outside a database.
func isInternal(database, collection string) bool {
	return strings.HasPrefix(collection, "system.") ||
		slices.Contains([]string{"admin", "config", "local"}, database) ||
		database == "" && collection == "oplog"
}
