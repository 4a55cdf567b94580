package service

import (
	_ "embed" // source.txt
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"stats-recorder/service/admin"
)

const (
	unknown     = "unknown"
	development = "(devel)" // the go command's word for a version that it does not know
)

// source is what git archive says of the commit: its hash, its date and the
// nearest tag of a version, a line each; see .gitattributes. In a clone these are
// still git's placeholders. A release is built from such an archive.
//
//go:embed source.txt
var source string

// ReadBuild returns the version, revision and date that the binary was built
// from, or "unknown". Git says it in an archive of the source, and the go command
// in a clone.
func ReadBuild() admin.Build {
	build := over(admin.Build{Version: unknown, Revision: unknown, Date: unknown}, archived(source))
	if info, ok := debug.ReadBuildInfo(); ok {
		build = over(build, stamped(info))
	}
	build.GoVersion = runtime.Version()
	return build
}

// over is the build with everything that another description knows.
func over(build, known admin.Build) admin.Build {
	if known.Version != "" && (known.Version != development || build.Version == unknown) {
		build.Version = known.Version
	}
	if known.Revision != "" {
		build.Revision = known.Revision
	}
	if known.Date != "" {
		build.Date = known.Date
	}
	return build
}

// stamped is what the go command knows of a build in a clone.
func stamped(info *debug.BuildInfo) admin.Build {
	build := admin.Build{Version: info.Main.Version}
	modified := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			build.Revision = setting.Value
		case "vcs.time":
			build.Date = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if modified {
		build.Revision += " (modified)"
	}
	return build
}

// afterTag is what git describes a commit as that comes after that of a tag.
var afterTag = regexp.MustCompile(`^(v\d+\.\d+\.)(\d+)-\d+-g[0-9a-f]+$`)

// archived reads what git archive wrote. The version is the tag, or else the one
// that the go command gives to such a commit: https://go.dev/ref/mod#pseudo-versions.
func archived(text string) admin.Build {
	lines := strings.Split(text, "\n")
	if len(lines) < 3 || len(lines[0]) < 12 {
		return admin.Build{}
	}
	written, err := time.Parse(time.RFC3339, lines[1])
	if err != nil {
		return admin.Build{}
	}
	written = written.UTC()
	build := admin.Build{Version: lines[2], Revision: lines[0], Date: written.Format(time.RFC3339)}
	suffix := written.Format("20060102150405") + "-" + lines[0][:12]
	if after := afterTag.FindStringSubmatch(lines[2]); after != nil {
		patch, _ := strconv.Atoi(after[2])
		build.Version = after[1] + strconv.Itoa(patch+1) + "-0." + suffix
	} else if lines[2] == "" {
		build.Version = "v0.0.0-" + suffix
	}
	return build
}
