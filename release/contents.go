package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
func (c contents) archived() ([]entry, error) {
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
	published, err := c.published()
	return append(entries, published...), err
}

// publishedNames are the files and folders of the source that go with the binary.
var publishedNames = []string{"README.md", "README.fr.md", "SECURITY.md", "LICENSE", "CHANGELOG.md", "docs", "deploy", "client"}

// published are the files of the source that are of use without the rest of it: no
// code of Go, and nothing that builds.
func (c contents) published() (entries []entry, err error) {
	for _, name := range publishedNames {
		err := filepath.WalkDir(filepath.Join(c.source, name), func(path string, found fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case found.IsDir() && found.Name() == "testdata":
				return fs.SkipDir
			case found.IsDir() || filepath.Ext(path) == ".go" || found.Name() == "Containerfile":
				return nil
			}
			relative, err := filepath.Rel(c.source, path)
			entries = append(entries, entry{name: filepath.ToSlash(relative), from: path, mode: modeOf(path)})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// modeOf keeps of a file's mode whether it is executable.
func modeOf(path string) os.FileMode {
	if info, err := os.Stat(path); err == nil && info.Mode()&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

// Where packages put things, and where the unit looks for a binary that was put
// there by hand.
const (
	packagedBinary = "/usr/bin/stats-recorder"
	manualBinary   = "/usr/local/bin/stats-recorder"
	systemd        = "/usr/lib/systemd/"
	share          = "/usr/share/doc/stats-recorder/"
	// settingsPath is the one file that belongs to the administrator.
	settingsPath = "/etc/stats-recorder.conf"
)

// installed are the files of a package, named by where they go.
func (c contents) installed(format string) ([]entry, error) {
	units, unitsErr := c.units()
	documented, documentedErr := c.documented()
	if err := errors.Join(unitsErr, documentedErr); err != nil {
		return nil, err
	}
	zsh := "/usr/share/zsh/vendor-completions/_stats-recorder"
	if format == "rpm" {
		zsh = "/usr/share/zsh/site-functions/_stats-recorder"
	}
	entries := []entry{
		{name: packagedBinary, from: c.binary, mode: 0o755},
		{name: settingsPath, text: c.documents.settings, mode: 0o640}, // a READ_TOKEN is nobody's business
		{name: "/usr/share/bash-completion/completions/stats-recorder", text: c.documents.completions["bash"], mode: 0o644},
		{name: zsh, text: c.documents.completions["zsh"], mode: 0o644},
		{name: "/usr/share/fish/vendor_completions.d/stats-recorder.fish", text: c.documents.completions["fish"], mode: 0o644},
	}
	return append(append(entries, units...), documented...), nil
}

// units are those of systemd, with the packaged binary.
func (c contents) units() ([]entry, error) {
	deploy := filepath.Join(c.source, "deploy")
	unit, err := os.ReadFile(filepath.Join(deploy, "stats-recorder.service"))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(unit), "\nExecStart="+manualBinary+"\n") {
		return nil, fmt.Errorf("deploy/stats-recorder.service does not start %q: the package cannot say where its binary is", manualBinary)
	}
	return []entry{
		{name: systemd + "system/stats-recorder.service", text: strings.ReplaceAll(string(unit), manualBinary, packagedBinary), mode: 0o644},
		{name: systemd + "system/stats-recorder.socket", from: filepath.Join(deploy, "stats-recorder.socket"), mode: 0o644},
		{name: systemd + "system-generators/stats-recorder-generator", from: filepath.Join(deploy, "stats-recorder-generator"), mode: 0o755},
	}, nil
}

// documented are the manual and what stands in the folder of documents, where the
// licence is a part of the copyright.
func (c contents) documented() ([]entry, error) {
	published, err := c.published()
	if err != nil {
		return nil, err
	}
	entries := []entry{
		{name: "/usr/share/man/man1/stats-recorder.1.gz", text: c.documents.commandPage, mode: 0o644, packed: true},
		{name: "/usr/share/man/man5/stats-recorder.conf.5.gz", text: c.documents.settingsPage, mode: 0o644, packed: true},
		{name: share + "copyright", text: c.notices, mode: 0o644},
		{name: share + "sbom.cdx.json", text: string(c.bill), mode: 0o644},
	}
	for _, e := range published {
		switch e.name {
		case "LICENSE":
			continue
		case "CHANGELOG.md":
			e = entry{name: "changelog.gz", from: e.from, packed: true}
		}
		entries = append(entries, entry{name: share + e.name, from: e.from, mode: 0o644, packed: e.packed})
	}
	return entries, nil
}
