package service

import (
	"log/slog"
	"slices"
	"strings"
)

// A platform runs programs in containers whose disk it replaces, at each
// deployment and often every day. No kind of file system tells.
type platform struct {
	name string
	// variable is one that the platform sets for each process.
	variable string
	// volumes says that it can give a process a disk that stays.
	volumes bool
}

// platforms are those that set a variable; the names are from their documentation
// of the environment, none has been tried here.
var platforms = []platform{
	{name: "Heroku", variable: "DYNO"},
	{name: "Scalingo", variable: "CONTAINER_VERSION"},
	{name: "Cloud Foundry", variable: "VCAP_APPLICATION", volumes: true},
	{name: "Railway", variable: "RAILWAY_ENVIRONMENT_ID", volumes: true},
	{name: "Render", variable: "RENDER_SERVICE_ID", volumes: true},
	{name: "Fly.io", variable: "FLY_MACHINE_ID", volumes: true},
}

// platformOf finds the platform by the variables that it sets.
func platformOf(environment []string) (found platform, ok bool) {
	// Dokku sets Heroku's variable too. Its containers' own layer is an overlay,
	// which storageOf knows, and its mounts are durable.
	if slices.ContainsFunc(environment, func(entry string) bool { return strings.HasPrefix(entry, "DOKKU_") }) {
		return platform{}, false
	}
	for _, p := range platforms {
		if slices.ContainsFunc(environment, func(entry string) bool { return strings.HasPrefix(entry, p.variable+"=") }) {
			return p, true
		}
	}
	return platform{}, false
}

// warnOfPlatform warns of a data directory on a disk that the platform replaces.
func warnOfPlatform(logger *slog.Logger, directory string, environment []string) {
	p, ok := platformOf(environment)
	if !ok || (p.volumes && !onFileSystemOf("/", directory)) {
		return
	}
	advice := "give it a BACKUP_URL, or run the server where a disk stays"
	if p.volumes {
		advice = "give it a volume, and DATA_DIR a path on it, or a BACKUP_URL"
	}
	logger.Warn("DATA_DIR is on a disk that the platform replaces: every count is lost at the next deployment or restart; "+advice,
		"data_dir", directory, "platform", p.name, "variable", p.variable)
}
