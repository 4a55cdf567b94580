package snapshot

import (
	"stats-recorder/counters"
	"stats-recorder/snapshot/recovery"
)

// ReadHistory is the history of a directory, on which a server may be running. It changes
// nothing. What a running server has not written yet is missing, and it may remove a
// file that is about to be read: then there is an error, and nothing is wrong.
func ReadHistory(directory string, kinds counters.Kinds) (*History, error) {
	found, err := recovery.Find(directory, func() *counters.Store { return counters.NewStoreOf(kinds, counters.WhenDurable) })
	if err != nil {
		return nil, err
	}
	return newHistory(readOptions(directory), found.Store, found.Loaded.Manifest), nil
}
