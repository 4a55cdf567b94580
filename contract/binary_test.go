package contract

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/harness"
)

// setting is a row of the configuration table.
type setting struct {
	variable string
	// preset is the documented default, as --help writes it.
	preset string
	// value is one that shows, other one that must lose against it.
	value, other string
	// with is what the environment has to say for the value to show.
	with []string
	// shows fails the test unless a server behaves as value says.
	shows func(t *testing.T, p *program)
	// bad are values to refuse.
	bad []string
}

// flag is the name of the setting's flag.
func (s setting) flag() string {
	return "--" + strings.ReplaceAll(strings.ToLower(s.variable), "_", "-")
}

// allSettings needs an address that is taken, for a PORT that must lose.
func allSettings(t *testing.T, taken string) []setting {
	t.Helper()
	_, takenPort, err := net.SplitHostPort(taken)
	if err != nil {
		t.Fatal(err)
	}
	return append(exposureSettings(t), []setting{
		{variable: "PORT", preset: "4000", value: "0", other: takenPort, shows: listensOnAFreePort,
			bad: []string{"http", "65536", "-1", "1.5", "80 81"}},
		{variable: "HOST", preset: "all interfaces", value: "127.0.0.1", other: "203.0.113.1", shows: listensOnLoopback,
			bad: []string{"203.0.113.1"}}, // an address that no machine has
		{variable: "CORS_DOMAIN", preset: `"*"`, value: "page.example", other: "other.example", shows: allowsThePage,
			bad: []string{"https://", "https://page.example/path", "page.example,*,://"}},
		{variable: "DATA_DIR", preset: `"data"`, value: filepath.Join(t.TempDir(), "mine"), other: filepath.Join(t.TempDir(), "other"),
			shows: func(t *testing.T, p *program) { keepsItsFilesIn(t, p, "mine") }, bad: []string{""}},
		{variable: "SNAPSHOT_INTERVAL", preset: "1m0s", value: "5ms", other: "1h", with: []string{"LOG_LEVEL=debug"}, shows: writesASnapshot,
			bad: []string{"1", "0s", "-1m", "minute"}},
		{variable: "DURABILITY", preset: `"always"`, value: "everysec", other: "always", shows: isDurableEverySecond,
			bad: []string{"sometimes", "Always", "no"}},
		{variable: "EVENT_TYPES", preset: "none", value: "survey, click-2", other: "opened", shows: takesASurvey,
			bad: []string{strings.Repeat("x", 65), "show details", "a,b\tc", manyEventTypes()}},
		{variable: "MAX_EVENT_AGE", preset: "48h0m0s", value: "1h", other: "48h", shows: refusesTwoHoursAgo,
			bad: []string{"2 days", "-1s", "48"}},
		{variable: "RETENTION", preset: "for ever", value: "4d", other: "1095d",
			with: []string{"SNAPSHOT_INTERVAL=5ms", "LOG_LEVEL=debug"}, shows: keepsFourDays, bad: []string{"4", "-4d", "1d", "a year"}},
		{variable: "MAX_BENEFITS", preset: "10000", value: "2", other: "10000", shows: hasRoomForTwoBenefits,
			bad: []string{"0", "-1", "many", "99999999"}},
		{variable: "MAX_COUNTERS", preset: "20000000", value: "3", other: "1000", shows: hasRoomForThreeCounters,
			bad: []string{"0", "-1", "1e6"}},
		{variable: "BENEFITS_FILE", preset: "none", value: listOf(t, "APL\n# none of\n\n  RSA  \n"), other: "/nowhere", shows: knowsTwoBenefits,
			bad: []string{"/nowhere", "/", listOf(t, "# none\n")}},
		{variable: "MAX_BODY_BYTES", preset: "131072", value: "300", other: "100000", shows: refuses301Bytes,
			bad: []string{"128KiB", "0", "-1", "1e6"}},
		{variable: "ADMIN_ADDR", preset: `"127.0.0.1:4001"`, value: "127.0.0.1:0", other: "off", shows: servesTheOperator,
			bad: []string{"4001", "nowhere", "127.0.0.1:http:", "203.0.113.1:4001"}},
		{variable: "LOG_LEVEL", preset: `"info"`, value: "debug", other: "error", with: []string{"SNAPSHOT_INTERVAL=5ms"}, shows: writesASnapshot,
			bad: []string{"loud"}},
	}...)
}

// manyEventTypes is a list that no server has room for.
func manyEventTypes() string {
	var names []string
	for letter := 'a'; letter <= 'z'; letter++ {
		names = append(names, string(letter), string(letter)+"2", string(letter)+"3")
	}
	return strings.Join(names, ",")
}

func listensOnAFreePort(t *testing.T, p *program) {
	if strings.HasSuffix(p.address, ":4000") || strings.HasSuffix(p.address, ":0") {
		t.Errorf("the server listens on %s, want a port that was free", p.address)
	}
	p.get(t, "/benefits").expectStatus(t, http.StatusOK)
}

func listensOnLoopback(t *testing.T, p *program) {
	if !strings.HasPrefix(p.address, "127.0.0.1:") {
		t.Errorf("the server listens on %s, want 127.0.0.1", p.address)
	}
}

func allowsThePage(t *testing.T, p *program) {
	p.config.CORSDomain = "page.example"
	p.get(t, "/benefits", "Origin", "https://page.example").expectHeader(t, "Access-Control-Allow-Origin", "https://page.example")
	p.get(t, "/benefits", "Origin", "https://other.example").expectHeader(t, "Access-Control-Allow-Origin", "")
}

func keepsItsFilesIn(t *testing.T, p *program, name string) {
	line := p.await(t, "listening")
	directory := line.text(t, "data_dir")
	if entries, err := os.ReadDir(directory); err != nil || len(entries) == 0 || filepath.Base(directory) != name {
		t.Errorf("data_dir is %q and has %v (%v), want %q and some files", directory, entries, err, name)
	}
}

func writesASnapshot(t *testing.T, p *program) {
	p.created(t, recordOf("RSA"))
	p.await(t, "wrote a snapshot")
}

func isDurableEverySecond(t *testing.T, p *program) {
	line := p.await(t, "listening")
	if durability := line.text(t, "durability"); durability != "everysec" {
		t.Errorf("durability is %q, want everysec", durability)
	}
}

func takesASurvey(t *testing.T, p *program) {
	p.created(t, array(record(fields{"event_type": `"survey"`}), record(fields{"event_type": `"click-2"`})))
	p.post(t, record(fields{"event_type": `"opened"`})).expectSingleRejected(t, "event_type")
}

func refusesTwoHoursAgo(t *testing.T, p *program) {
	ago := func(age time.Duration) string {
		return record(fields{"created_at": quote(time.Now().Add(-age).Format(time.RFC3339))})
	}
	p.created(t, ago(50*time.Minute))
	p.post(t, ago(2*time.Hour)).expectSingleRejected(t, "created_at")
}

func keepsFourDays(t *testing.T, p *program) {
	fourDaysAgo := func() string { return time.Now().UTC().AddDate(0, 0, -4).Format(time.DateOnly) + "T00:00:00Z" }
	before := fourDaysAgo()
	writesASnapshot(t, p) // from then on the retention holds
	kept := p.get(t, "/benefits?start_at=1970").header.Get("Retention-Start-At")
	if kept != before && kept != fourDaysAgo() {
		t.Errorf("Retention-Start-At is %q, want %q", kept, before)
	}
}

func hasRoomForTwoBenefits(t *testing.T, p *program) {
	for _, benefit := range []string{"RSA", "APL", "third", "RSA", "fourth"} {
		p.created(t, recordOf(benefit))
	}
	p.expectTotal(t, "RSA", 2)
	p.expectTotal(t, "__other__", 2)
}

// hasRoomForThreeCounters allows for records that are on their way when the
// limit is reached.
func hasRoomForThreeCounters(t *testing.T, p *program) {
	for index := range 500 {
		p.created(t, record(fields{"benefit_index": strconv.Itoa(index + 1), "page_total": "500"}))
		if p.get(t, "/statistics").header.Get("Overflowed-Records") != "" {
			return
		}
	}
	t.Error("there is room for 500 counters, want it for 3")
}

func listOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func knowsTwoBenefits(t *testing.T, p *program) {
	p.created(t, array(recordOf("RSA"), recordOf("APL")))
	p.post(t, recordOf("# none of")).expectSingleRejected(t, "benefit_id")
}

func refuses301Bytes(t *testing.T, p *program) {
	body := recordOf("RSA")
	p.created(t, body+strings.Repeat(" ", 300-len(body)))
	p.post(t, body+strings.Repeat(" ", 301-len(body))).expectMessage(t, http.StatusRequestEntityTooLarge)
}

// takenAddress listens for the length of the test.
func takenAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func TestEverySettingIsAVariableAndAFlagAndTheFlagWins(t *testing.T) {
	t.Parallel()
	for _, s := range allSettings(t, takenAddress(t)) {
		t.Run(s.flag(), func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, t.TempDir(), slices.Concat(s.with, []string{s.variable + "=" + s.value}))
			s.shows(t, p)
			p.terminate(t)

			p = startProgram(t, t.TempDir(), slices.Concat(s.with, []string{s.variable + "=" + s.other}), s.flag(), s.value)
			s.shows(t, p)
			p.terminate(t)
		})
	}
}

func TestABadValueIsRefusedInOneLineThatNamesIt(t *testing.T) {
	t.Parallel()
	for _, s := range allSettings(t, takenAddress(t)) {
		t.Run(s.variable, func(t *testing.T) {
			t.Parallel()
			for _, value := range s.bad {
				run(t, []string{s.variable + "=" + value}).expectRefusal(t, s.variable)
				refused := run(t, nil, s.flag()+"="+value)
				refused.expectRefusal(t)
				if name := strings.TrimLeft(s.flag(), "-"); !strings.Contains(refused.stderr, name) && !strings.Contains(refused.stderr, s.variable) {
					t.Errorf("the error is %q, want it to name %s", refused.stderr, name)
				}
			}
		})
	}
}

func TestHelpListsEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		help := run(t, nil, arguments...)
		if help.code != 0 || help.stderr != "" {
			t.Errorf("%q ends with exit code %d and says %q", arguments, help.code, help.stderr)
		}
		lines := strings.Split(help.stdout, "\n")
		for _, s := range allSettings(t, takenAddress(t)) {
			at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), s.flag()+" ") })
			if at < 0 || !strings.Contains(lines[at], "[$"+s.variable+"]") || !strings.Contains(lines[at], "(default: "+s.preset+")") {
				t.Errorf("%q prints\n%s\nwant a line with %s, %s and the default %s", arguments, help.stdout, s.flag(), s.variable, s.preset)
			}
		}
		if !strings.Contains(help.stdout, "verify") {
			t.Errorf("%q does not tell of verify", arguments)
		}
	}
}

func TestEveryFlagIsASettingOfThisTable(t *testing.T) {
	t.Parallel()
	known := []string{"--help", "--version", "--access-log"} // which take no value
	for _, s := range allSettings(t, takenAddress(t)) {
		known = append(known, s.flag())
	}
	if flags := flagsIn(run(t, nil, "--help").stdout); !slices.Equal(slices.Sorted(slices.Values(flags)), slices.Sorted(slices.Values(known))) {
		t.Errorf("the flags are %q, the tests know %q", flags, known)
	}
	if flags := flagsIn(run(t, nil, "verify", "--help").stdout); !slices.Equal(flags, []string{"--repair", "--help", "--data-dir"}) {
		t.Errorf("the flags of verify are %q", flags)
	}
}

// flagsIn are the flags that a help text lists.
func flagsIn(help string) (flags []string) {
	for _, match := range regexp.MustCompile(`(?m)^ +(--[a-z-]+)`).FindAllStringSubmatch(help, -1) {
		flags = append(flags, match[1])
	}
	return flags
}

func TestACommandLineThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{
		{"--prot", "4000"}, {"--port"}, {"serve"}, {"4000"}, {"verify", "--repare"}, {"verify", "some-directory"}, {"verify", "--data-dir"},
	} {
		run(t, nil, arguments...).expectRefusal(t, "--help")
	}
}

func TestAWordThatIsNearlyOneIsToldWithTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	for written, meant := range map[string]string{
		"verifiy": "verify", "exprot": "export", "helth": "health", "--prot": "--port", "--corsdomain": "--cors-domain",
	} {
		run(t, nil, written).expectRefusal(t, written, "did you mean "+meant+"?")
	}
	run(t, nil, "verify", "--repare").expectRefusal(t, "did you mean --repair?")
	run(t, nil, "frobnicate").expectRefusal(t, `unknown command "frobnicate"; see`)
}

func TestTheVersionIsToldByHabitToo(t *testing.T) {
	t.Parallel()
	if flag, command := run(t, nil, "--version"), run(t, nil, "version"); flag != command || flag.code != 0 || flag.stdout == "" {
		t.Errorf("--version says %+v, version %+v", flag, command)
	}
}

func TestAMisspeltVariableIsWarnedOf(t *testing.T) {
	t.Parallel()
	p := startProgram(t, t.TempDir(), []string{"READ_TOKENS=secret", "CORS_DOMAINS=https://a.example"})
	for variable, setting := range map[string]string{"READ_TOKENS": "READ_TOKEN", "CORS_DOMAINS": "CORS_DOMAIN"} {
		lines := logged(p.Process)
		if !slices.ContainsFunc(lines, func(line logLine) bool { return line["variable"] == variable && line["did_you_mean"] == setting }) {
			t.Errorf("nothing says that %s is not %s:\n%s", variable, setting, p.Log)
		}
	}
	if strings.Contains(p.Log.String(), "secret") {
		t.Errorf("the value is in the log:\n%s", p.Log)
	}
}

func TestLengthsOfTimeInTheLogHaveTheirUnit(t *testing.T) {
	t.Parallel()
	p := startProgram(t, t.TempDir(), []string{"ACCESS_LOG=true", "LOG_LEVEL=debug", "SNAPSHOT_INTERVAL=5ms"})
	p.created(t, recordOf("RSA"))
	for message, attribute := range map[string]string{"request": "duration", "wrote a snapshot": "took"} {
		line := p.await(t, message)
		if _, err := time.ParseDuration(line.text(t, attribute)); err != nil {
			t.Errorf("%s of %q is %v, want text such as 1.5ms", attribute, message, line[attribute])
		}
	}
}

func TestThePortThatIsInUseIsNamed(t *testing.T) {
	t.Parallel()
	taken := takenAddress(t)
	_, port, _ := net.SplitHostPort(taken)
	run(t, []string{"PORT=" + port}).expectRefusal(t, "PORT", port, "in use")
}

func TestADirectoryThatCannotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	file, closed := filepath.Join(parent, "file"), filepath.Join(parent, "closed")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	for name, directory := range map[string]string{
		"a file in its place":              file,
		"below a file":                     filepath.Join(file, "data"),
		"where nothing can be made":        "/proc/data",
		"a directory that is not writable": closed,
	} {
		t.Run(name, func(t *testing.T) {
			if directory == closed && os.Getuid() == 0 {
				t.Skip("root may write everywhere")
			}
			run(t, []string{"DATA_DIR=" + directory}).expectRefusal(t, directory)
		})
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "mine" {
		t.Errorf("the file that was in the way holds %q now (%v)", content, err)
	}
}

func TestASecondProcessOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	first := startProgram(t, directory, nil)
	first.created(t, recordOf("RSA"))
	run(t, []string{"DATA_DIR=" + directory}).expectRefusal(t, directory, "in use by another process")
	first.created(t, recordOf("RSA"))
	first.kill(t)
	startProgram(t, directory, nil).expectTotal(t, "RSA", 2)
}

func TestSIGINTAndSIGTERMEndTheServerWithExitCode0(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		directory := t.TempDir()
		p := startProgram(t, directory, nil)
		p.created(t, times(3, recordOf("RSA")))
		if ending := p.end(t, signal); ending != (harness.Ending{}) {
			t.Errorf("after %v: %v:\n%s", signal, ending, p.Log)
		}
		startProgram(t, directory, nil).expectTotal(t, "RSA", 3)
	}
}
