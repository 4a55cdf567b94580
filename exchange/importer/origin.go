package importer

import (
	"bytes"
	"slices"
	"strconv"

	json "github.com/goccy/go-json/v2"
)

// An Origin is what an export says of the data directory that wrote it.
type Origin struct {
	// Directory is the identity of the directory.
	Directory string
	// Commit is the last commit that was counted in it.
	Commit uint64
	// Holds names what was imported there before: identities of directories, and
	// fingerprints.
	Holds []string
}

// ExportSource is the name of the source of an export's rows, by the identity of the
// directory that wrote it.
func ExportSource(directory string) string { return exportPrefix + directory }

const (
	exportPrefix = "export:"
	// maxSources bounds how many directories the rows of one import may be of.
	maxSources = 100
	// maxOriginBytes bounds what one is called.
	maxOriginBytes = 100
)

// parseOrigin reads what a row says of its origin: identity, slash, commit.
func parseOrigin(text []byte) Origin {
	directory, commit, _ := bytes.Cut(text, []byte("/"))
	number, _ := strconv.ParseUint(string(commit), 10, 64) // 0 where it says none
	return Origin{Directory: string(directory), Commit: number}
}

// merge adds what other rows of the same directory say.
func (o *Origin) merge(other *Origin) {
	o.Commit = max(o.Commit, other.Commit)
	for _, held := range other.Holds {
		if !slices.Contains(o.Holds, held) {
			o.Holds = append(o.Holds, held)
		}
	}
	slices.Sort(o.Holds)
}

// parseHolds reads a list of strings; nothing from anything else.
func parseHolds(raw []byte) (holds []string) {
	if len(raw) == 0 || json.Unmarshal(raw, &holds) != nil {
		return nil
	}
	return holds
}
