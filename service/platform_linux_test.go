package service

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestAPlatformThatReplacesItsDiskIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environment []string
		directory   string
		want        string // in the warning; empty for no warning
	}{
		"a machine of one's own":               {[]string{"PATH=/bin", "DYNOS=2"}, "/", ""},
		"Heroku has no disk that stays":        {[]string{"DYNO=web.1"}, "/", "run the server where a disk stays"},
		"Heroku has none elsewhere either":     {[]string{"DYNO=web.1"}, "/proc", "Heroku"},
		"Dokku sets Heroku's variable":         {[]string{"DYNO=web.1", "DOKKU_APP_TYPE=herokuish"}, "/", ""},
		"Scalingo has no disk that stays":      {[]string{"CONTAINER=web-1", "CONTAINER_VERSION=da93ff7"}, "/", "Scalingo"},
		"Cloud Foundry on the container's own": {[]string{"VCAP_APPLICATION={}"}, "/", "give it a volume"},
		"Railway on the container's own":       {[]string{"RAILWAY_ENVIRONMENT_ID=x"}, "/", "give it a volume"},
		"Railway on a volume":                  {[]string{"RAILWAY_ENVIRONMENT_ID=x"}, "/proc", ""},
		"Render on a disk of its own":          {[]string{"RENDER_SERVICE_ID=x"}, "/proc", ""},
		"Fly.io on the machine's own":          {[]string{"FLY_MACHINE_ID=x"}, "/", "give it a volume"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			warnOfPlatform(slog.New(slog.NewTextHandler(&log, nil)), c.directory, c.environment)
			if got := log.String(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("the log says %q, want %q in it", got, c.want)
			}
		})
	}
}
