package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
		entries = append(entries, r.forDebian()...)
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

// forDebian are the files that only Debian wants of a package.
func (r *release) forDebian() []entry {
	info := nfpm.WithDefaults(&nfpm.Info{Version: r.identity.plain()})
	version := info.Version
	if info.Prerelease != "" {
		version += "~" + info.Prerelease
	}
	changes := fmt.Sprintf("%s (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n",
		program, version, r.maintainer, r.identity.date.Format(time.RFC1123Z))
	return []entry{
		{name: share + "changelog.Debian.gz", text: changes, mode: 0o644, packed: true},
		{name: "/usr/share/lintian/overrides/stats-recorder", text: overrides, mode: 0o644},
	}
}

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
