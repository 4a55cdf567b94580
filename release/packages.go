package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the formats register themselves
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const (
	summary     = "count which entries of a list page are shown and clicked"
	description = `A server that adds up what browsers post, keeps every acknowledged
count through crashes, and answers with the sums: one process, one
directory, no database.`
)

// writePackages writes the packages of a Linux platform.
func (r *release) writePackages(target platform, stage string, c contents) error {
	for _, format := range []string{"deb", "rpm"} {
		if err := r.writePackage(target, filepath.Join(stage, format), c, format); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

func (r *release) writePackage(target platform, stage string, c contents, format string) error {
	entries, err := c.installed(format)
	if err != nil {
		return err
	}
	if format == "deb" {
		forDebian, err := r.debianDocuments()
		if err != nil {
			return err
		}
		entries = append(entries, forDebian...)
	}
	// The library reads files by their paths.
	staged, err := stageFiles(stage, entries, r.identity.date)
	if err != nil {
		return err
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: program, Platform: "linux", Arch: target.processor + target.variant,
		Version: r.identity.plain(), Release: "1", Section: "net", Priority: "optional",
		Maintainer: r.maintainer, MTime: r.identity.date, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Contents: staged,
			Scripts:  r.source.scripts(format),
			// The host is in the package: it must not say where it was built.
			RPM: nfpm.RPM{BuildHost: "localhost", Group: "System Environment/Daemons", Summary: summary, Compression: "xz"},
			Deb: nfpm.Deb{Compression: "xz"},
		},
	})
	switch format {
	case "deb":
		info.Description = summary + "\n" + description
		info.Depends = []string{"init-system-helpers (>= 1.52)"}
		info.Recommends = []string{"systemd"}
	case "rpm":
		info.Description, info.License = description, "Apache-2.0"
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	path := filepath.Join(r.output, packager.ConventionalFileName(info))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(packager.Package(info, file), file.Close())
}

// scripts are what the package manager runs as root, see release/scripts.
func (s source) scripts(format string) nfpm.Scripts {
	path := func(name string) string { return filepath.Join(s.root, "release", "scripts", format+"-"+name) }
	return nfpm.Scripts{PostInstall: path("postinstall"), PreRemove: path("preremove"), PostRemove: path("postremove")}
}

// Where a package puts the unit files, and where by hand.
const (
	packagedBinary = "/usr/bin/stats-recorder"
	manualBinary   = "/usr/local/bin/stats-recorder"
	share          = "/usr/share/doc/stats-recorder/"
)

// installed are the files of a package, named by where they go.
func (c contents) installed(format string) ([]entry, error) {
	unit, err := os.ReadFile(filepath.Join(c.source, "deploy", "stats-recorder.service"))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(unit), "\nExecStart="+manualBinary+"\n") {
		return nil, fmt.Errorf("deploy/stats-recorder.service does not start %q: the package cannot say where its binary is", manualBinary)
	}
	commandPage, err := packed(c.documents.commandPage)
	if err != nil {
		return nil, err
	}
	settingsPage, err := packed(c.documents.settingsPage)
	if err != nil {
		return nil, err
	}
	zsh := "/usr/share/zsh/vendor-completions/_stats-recorder"
	if format == "rpm" {
		zsh = "/usr/share/zsh/site-functions/_stats-recorder"
	}
	deploy := filepath.Join(c.source, "deploy")
	entries := []entry{
		{name: packagedBinary, from: c.binary, mode: 0o755},
		{name: "/usr/lib/systemd/system/stats-recorder.service", text: strings.ReplaceAll(string(unit), manualBinary, packagedBinary), mode: 0o644},
		{name: "/usr/lib/systemd/system/stats-recorder.socket", from: filepath.Join(deploy, "stats-recorder.socket"), mode: 0o644},
		{name: "/usr/lib/systemd/system-generators/stats-recorder-generator", from: filepath.Join(deploy, "stats-recorder-generator"), mode: 0o755},
		{name: settingsPath, text: c.documents.settings, mode: 0o640}, // a READ_TOKEN is nobody's business
		{name: "/usr/share/man/man1/stats-recorder.1.gz", text: commandPage, mode: 0o644},
		{name: "/usr/share/man/man5/stats-recorder.conf.5.gz", text: settingsPage, mode: 0o644},
		{name: "/usr/share/bash-completion/completions/stats-recorder", text: c.documents.completions["bash"], mode: 0o644},
		{name: zsh, text: c.documents.completions["zsh"], mode: 0o644},
		{name: "/usr/share/fish/vendor_completions.d/stats-recorder.fish", text: c.documents.completions["fish"], mode: 0o644},
		{name: share + "copyright", text: c.notices, mode: 0o644},
		{name: share + "sbom.cdx.json", text: string(c.bill), mode: 0o644},
	}
	for _, published := range c.published() {
		switch published.name {
		case "LICENSE": // its place is in the copyright
		case "CHANGELOG.md":
			changes, err := packedFile(published.from)
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry{name: share + "changelog.gz", text: changes, mode: 0o644})
		default:
			entries = append(entries, entry{name: share + published.name, from: published.from, mode: 0o644})
		}
	}
	return entries, nil
}

// overrides are the rules of Debian that the package breaks on purpose.
const overrides = `# One static binary runs on every distribution, and alone in a container.
stats-recorder: statically-linked-binary
# The notices are the same file wherever the binary goes.
stats-recorder: copyright-file-contains-full-apache-2-license
# A READ_TOKEN is nobody's business.
stats-recorder: non-standard-file-perm 0640 != 0644 [etc/stats-recorder.conf]
# It is no upload to Debian.
stats-recorder: initial-upload-closes-no-bugs
`

// debianDocuments are what only Debian wants of a package.
func (r *release) debianDocuments() ([]entry, error) {
	info := &nfpm.Info{Version: r.identity.plain(), Release: "1"}
	nfpm.WithDefaults(info)
	version := info.Version
	if info.Prerelease != "" {
		version += "~" + info.Prerelease
	}
	changes, err := packed(fmt.Sprintf("%s (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n",
		program, version, r.maintainer, r.identity.date.Format(time.RFC1123Z)))
	if err != nil {
		return nil, err
	}
	return []entry{
		{name: share + "changelog.Debian.gz", text: changes, mode: 0o644},
		{name: "/usr/share/lintian/overrides/stats-recorder", text: overrides, mode: 0o644},
	}, nil
}

// settingsPath is the one file that belongs to the administrator.
const settingsPath = "/etc/stats-recorder.conf"

// stageFiles writes entries below a directory and says where they go.
func stageFiles(stage string, entries []entry, date time.Time) (files.Contents, error) {
	var staged files.Contents
	for _, e := range entries {
		content, err := e.content()
		if err != nil {
			return nil, err
		}
		path := filepath.Join(stage, e.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
		kind := files.TypeFile
		if e.name == settingsPath {
			kind = files.TypeConfigNoReplace
		}
		staged = append(staged, &files.Content{
			Source: path, Destination: e.name, Type: kind,
			FileInfo: &files.ContentFileInfo{Mode: e.mode, Owner: "root", Group: "root", MTime: date},
		})
	}
	return staged, nil
}
