package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// licence is a module that is linked into a binary and the texts that must go
// with it.
type licence struct {
	module, version, sum string
	identifiers          []string // of SPDX
	texts                []string
}

// licenceFile are the names of files with texts that must go with the code.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-_.].*)?$`)

// licences finds the texts of every module in a binary, and of the standard
// library, in the order of their names. A module without one is an error: nobody
// may pass it on.
func (s source) licences(ctx context.Context, target platform, built binary) ([]licence, error) {
	directories, err := s.linkedDirectories(ctx, target)
	if err != nil {
		return nil, err
	}
	modules := []*debug.Module{{Path: standardLibrary, Version: built.info.GoVersion}}
	var found []licence
	for _, module := range append(modules, built.info.Deps...) {
		l := licence{module: module.Path, version: module.Version, sum: module.Sum}
		if err := l.read(directories[module.Path]); err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	slices.SortFunc(found, func(a, b licence) int { return cmp.Compare(a.module, b.module) })
	return found, nil
}

// standardLibrary is the name under which bills of materials have Go's own code.
const standardLibrary = "std"

// linkedDirectories returns, for each module, the directories of the packages that
// a build links, and all above them within the module: code that a module took
// from elsewhere has its own text beside it.
func (s source) linkedDirectories(ctx context.Context, target platform) (map[string][]string, error) {
	listed, err := output(s.goCommand(ctx, target.environment(), "list", "-deps", "-pgo=off", "-json=Dir,Standard,Module,Root", "."))
	if err != nil {
		return nil, err
	}
	sets := map[string]map[string]bool{}
	for decoder := json.NewDecoder(strings.NewReader(listed)); ; {
		var p struct {
			Dir, Root string
			Standard  bool
			Module    *struct{ Path, Dir string }
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read go list: %w", err)
		}
		module, top := standardLibrary, p.Root
		if !p.Standard {
			module, top = p.Module.Path, p.Module.Dir
		}
		if sets[module] == nil {
			sets[module] = map[string]bool{}
		}
		for directory := p.Dir; len(directory) >= len(top); directory = filepath.Dir(directory) {
			sets[module][directory] = true
		}
	}
	directories := map[string][]string{}
	for module, set := range sets {
		directories[module] = slices.Sorted(maps.Keys(set))
	}
	return directories, nil
}

// read reads the texts in the directories, each once.
func (l *licence) read(directories []string) error {
	for _, directory := range directories {
		entries, err := os.ReadDir(directory)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if entry.IsDir() || !licenceFile.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
				continue
			}
			content, err := os.ReadFile(filepath.Join(directory, entry.Name()))
			if err != nil {
				return err
			}
			l.add(string(content))
		}
	}
	if len(l.identifiers) == 0 {
		return fmt.Errorf("module %q has no licence that is known, in %q", l.module, directories)
	}
	return nil
}

func (l *licence) add(text string) {
	if slices.Contains(l.texts, text) {
		return
	}
	l.texts = append(l.texts, text)
	for _, match := range licensecheck.Scan([]byte(text)).Match {
		if !match.IsURL && !slices.Contains(l.identifiers, match.ID) {
			l.identifiers = append(l.identifiers, match.ID)
		}
	}
}

// notices is the text that goes with a binary: everybody's licence.
func notices(licences []licence) string {
	var text strings.Builder
	text.WriteString("stats-recorder is under the Apache License, version 2.0: see LICENSE, and on Debian\n" +
		"/usr/share/common-licenses/Apache-2.0. Copyright: the stats-recorder contributors.\n\n" +
		"The binary holds code of these modules, each under its own terms:\n\n")
	for _, l := range licences {
		fmt.Fprintf(&text, "- %s %s: %s\n", l.module, l.version, strings.Join(l.identifiers, ", "))
	}
	for _, l := range licences {
		for _, words := range l.texts {
			fmt.Fprintf(&text, "\n%s\n%s %s\n\n%s\n", strings.Repeat("=", 80), l.module, l.version, strings.TrimSpace(words))
		}
	}
	return text.String()
}
