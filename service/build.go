package service

import (
	"runtime"
	"runtime/debug"

	"stats-recorder/service/admin"
)

// ReadBuild returns the version and revision that the binary was built from, or
// "unknown".
func ReadBuild() admin.Build {
	build := admin.Build{Version: "unknown", Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	if info.Main.Version != "" {
		build.Version = info.Main.Version
	}
	modified := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			build.Revision = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if modified {
		build.Revision += " (modified)"
	}
	return build
}
