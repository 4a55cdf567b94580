package deploy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stats-recorder/harness/harnesstest"
)

// TestAProcfilePlatformBuildsAndStartsOneWebProcess does what a Go build pack and
// its platform do: install the programs that go.mod names, and start what the
// Procfile does, with a PORT.
func TestAProcfilePlatformBuildsAndStartsOneWebProcess(t *testing.T) {
	t.Parallel()
	kind, line, _ := strings.Cut(strings.TrimSuffix(example(t, "../Procfile"), "\n"), ": ")
	if kind != "web" || strings.Contains(line, "\n") {
		t.Fatalf("the Procfile has not one process, of the web: %q", kind+": "+line)
	}
	install := regexp.MustCompile(`(?m)^// \+heroku install (.*)$`).FindStringSubmatch(example(t, "../go.mod"))
	if install == nil {
		t.Fatal("go.mod does not say what to install: a build pack would install every program that there is")
	}
	installed := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", append([]string{"install", "-buildvcs=false"}, strings.Fields(install[1])...)...)
	build.Dir, build.Env = "..", append(os.Environ(), "GOBIN="+installed, "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go install: %v\n%s", err, said)
	}
	programs, err := os.ReadDir(installed)
	if err != nil || len(programs) != 1 {
		t.Errorf("a build pack installs %v, %v", programs, err)
	}
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	web := exec.Command("sh", "-c", "exec "+line)
	web.Env = []string{"PATH=" + installed + ":" + os.Getenv("PATH"), "PORT=" + port, "ADMIN_ADDR=" + freeAddress(t)}
	web.Dir = t.TempDir()
	harnesstest.Start(t, web)
	expectCounting(t, "http://"+address)
}

func TestTheSocketListensWhereHostAndPortSay(t *testing.T) {
	t.Parallel()
	const none = "" // no address: systemd refuses the socket, and the service binds by itself
	for name, c := range map[string]struct {
		settings string
		want     []string // of ListenStream; nil where the unit stays as it is
	}{
		"no settings":                   {"", nil},
		"neither":                       {"#HOST=127.0.0.1\nREAD_TOKEN=x\nXHOST=127.0.0.1\n", nil},
		"empty ones":                    {"HOST=\nPORT=\n", nil},
		"a host":                        {"HOST=127.0.0.1\n", []string{none, "127.0.0.1:4000"}},
		"a port":                        {"PORT=8080\n", []string{none, "8080"}},
		"both, quoted and spaced":       {"HOST=\"127.0.0.1\" \n  PORT= '8080'\n", []string{none, "127.0.0.1:8080"}},
		"the last of two":               {"HOST=127.0.0.1\nHOST=192.0.2.1\n", []string{none, "192.0.2.1:4000"}},
		"an address of IPv6":            {"HOST=::1\nPORT=8080\n", []string{none, "[::1]:8080"}},
		"the loopback by name":          {"HOST=localhost\n", []string{none, "127.0.0.1:4000"}},
		"a name":                        {"HOST=stats.example.org\n", []string{none}},
		"a name like a number":          {"HOST=beef\n", []string{none}},
		"no end of the line":            {"HOST=127.0.0.1", []string{none, "127.0.0.1:4000"}},
		"a free port":                   {"PORT=0\n", []string{none}},
		"a port that is none":           {"PORT=http\n", []string{none}},
		"a line that ends as on a PC":   {"HOST=127.0.0.1\r\n", []string{none, "127.0.0.1:4000"}},
		"a host that is a line of code": {"HOST=$(touch owned)\n", []string{none}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			units := filepath.Join(directory, "units")
			settings := write(t, filepath.Join(directory, "stats-recorder.conf"), c.settings)
			generator := exec.CommandContext(t.Context(), "./stats-recorder-generator", units, units, units)
			generator.Env = append(os.Environ(), "STATS_RECORDER_SETTINGS="+settings)
			if said, err := generator.CombinedOutput(); err != nil || len(said) > 0 {
				t.Fatalf("the generator: %v\n%s", err, said)
			}
			content, err := os.ReadFile(filepath.Join(units, "stats-recorder.socket.d", "address.conf"))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			var got []string
			for _, match := range regexp.MustCompile(`(?m)^ListenStream=(.*)$`).FindAllStringSubmatch(string(content), -1) {
				got = append(got, match[1])
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestScriptsAreSound has shellcheck read every script that runs as root.
func TestScriptsAreSound(t *testing.T) {
	t.Parallel()
	shellcheck := tool(t, "shellcheck", "shellcheck")
	if said := output(t, shellcheck, "stats-recorder-generator"); said != "" {
		t.Error(said)
	}
}
