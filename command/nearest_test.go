package command

import (
	"testing"

	"stats-recorder/service"
)

func TestAVariableNearASettingIsToldWithTheSettingThatWasMeant(t *testing.T) {
	t.Parallel()
	config := service.DefaultConfig()
	for variable, want := range map[string]string{
		"CORS_DOMAINS":            "CORS_DOMAIN",
		"READ_TOKENS":             "READ_TOKEN",
		"READ_TOKEN_FILE":         "READ_TOKEN",
		"SNAPSHOT_INTERVALL":      "SNAPSHOT_INTERVAL",
		"SNAPSHOT_INTERVAL_MS":    "SNAPSHOT_INTERVAL",
		"RETENTION_DAYS":          "RETENTION",
		"STATS_RECORDER_DATADIR":  "",
		"STATS_RECORDER_DATA_DIR": "DATA_DIR",
		"DATADIR":                 "DATA_DIR",
		"cors_domain":             "CORS_DOMAIN",
		"EVENT_TYPE":              "EVENT_TYPES",
		"LOGLEVEL":                "LOG_LEVEL",
		"MAX_BODY_BYTE":           "MAX_BODY_BYTES",
		"PORTS":                   "PORT",
		// None of these is meant for this program.
		"PORT":                 "",
		"HOSTNAME":             "",
		"HOME":                 "",
		"PATH":                 "",
		"REDIS_PORT":           "",
		"REDIS_PORT_6379_TCP":  "",
		"STATS_RECORDER_PORT":  "",
		"MONGO_URL":            "",
		"LANG":                 "",
		"GOMEMLIMIT":           "",
		"KUBERNETES_PORT":      "",
		"LISTEN_FDS":           "",
		"NOTIFY_SOCKET":        "",
		"XDG_DATA_DIRS":        "",
		"SSH_CONNECTION":       "",
		"DBUS_SESSION_BUS_PID": "",
	} {
		got := ""
		if found := misspelt([]string{variable + "=x"}, config.Settings()); len(found) > 0 {
			got = found[0].setting
		}
		if got != want {
			t.Errorf("%s is taken for %q, want %q", variable, got, want)
		}
	}
}
