package main

import (
	"io/fs"
	"os"
	"path/filepath"
)

// contents is what goes out with one binary.
type contents struct {
	binary    string // path
	source    string // root of the source
	documents documents
	notices   string
	bill      []byte
}

// archived are the entries of an archive: everything that a person needs who
// installs by hand.
func (c contents) archived() []entry {
	entries := []entry{
		{name: program, from: c.binary, mode: 0o755},
		{name: "THIRD_PARTY_NOTICES", text: c.notices, mode: 0o644},
		{name: "sbom.cdx.json", text: string(c.bill), mode: 0o644},
		{name: "man/stats-recorder.1", text: c.documents.commandPage, mode: 0o644},
		{name: "man/stats-recorder.conf.5", text: c.documents.settingsPage, mode: 0o644},
		{name: "deploy/stats-recorder.conf", text: c.documents.settings, mode: 0o644},
	}
	for shell, script := range c.documents.completions {
		entries = append(entries, entry{name: "completion/stats-recorder." + shell, text: script, mode: 0o644})
	}
	return append(entries, c.published()...)
}

// publishedNames are the files and folders of the source that go with the binary.
var publishedNames = []string{"README.md", "LICENSE", "CHANGELOG.md", "docs", "deploy", "client"}

// published are the files of the source that are no code. What the source does not
// have is left out.
func (c contents) published() (entries []entry) {
	for _, name := range publishedNames {
		top := filepath.Join(c.source, name)
		filepath.WalkDir(top, func(path string, found fs.DirEntry, err error) error {
			if err != nil || found.IsDir() {
				return nil // what cannot be read shows when its content is wanted
			}
			relative, err := filepath.Rel(c.source, path)
			if err != nil || filepath.Ext(path) == ".go" || found.Name() == "Containerfile" || filepath.Base(filepath.Dir(path)) == "testdata" {
				return err
			}
			entries = append(entries, entry{name: filepath.ToSlash(relative), from: path, mode: modeOf(path)})
			return nil
		})
	}
	return entries
}

// modeOf keeps of a file's mode whether it is executable.
func modeOf(path string) os.FileMode {
	if info, err := os.Stat(path); err == nil && info.Mode()&0o100 != 0 {
		return 0o755
	}
	return 0o644
}
