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

	"stats-recorder/contract/blackbox"
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
	shows func(t *testing.T, p *blackbox.Program)
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
	others := slices.Concat(exposureSettings(t), insightSettings(t), pageSettings(), visitorSettings(), clusterSettings(t))
	return append(others, []setting{
		{variable: "PORT", preset: "4000", value: "0", other: takenPort, shows: listensOnAFreePort,
			bad: []string{"http", "65536", "-1", "1.5", "80 81"}},
		{variable: "HOST", preset: "all interfaces", value: "127.0.0.1", other: "203.0.113.1", shows: listensOnLoopback,
			bad: []string{"203.0.113.1"}}, // an address that no machine has
		{variable: "CORS_DOMAIN", preset: `"*"`, value: "page.example", other: "other.example", shows: allowsThePage,
			bad: []string{"https://", "https://page.example/path", "page.example,*,://"}},
		{variable: "DATA_DIR", preset: `"data"`, value: filepath.Join(t.TempDir(), "mine"), other: filepath.Join(t.TempDir(), "other"),
			shows: func(t *testing.T, p *blackbox.Program) { keepsItsFilesIn(t, p, "mine") }, bad: []string{""}},
		{variable: "SNAPSHOT_INTERVAL", preset: "1m0s", value: "5ms", other: "1h", with: []string{"LOG_LEVEL=debug"}, shows: writesASnapshot,
			bad: []string{"1", "0s", "-1m", "minute"}},
		{variable: "DURABILITY", preset: `"always"`, value: "everysec", other: "always", shows: isDurableEverySecond,
			bad: []string{"sometimes", "Always", "no"}},
		{variable: "EVENT_TYPES", preset: "none", value: "survey, click-2", other: "opened", shows: takesASurvey,
			bad: []string{strings.Repeat("x", 65), "show details", "a,b\tc"}},
		{variable: "MAX_EVENT_AGE", preset: "48h0m0s", value: "1h", other: "48h", shows: refusesTwoHoursAgo,
			bad: []string{"2 days", "-1s", "48"}},
		{variable: "IDEMPOTENCY_WINDOW", preset: "24h0m0s", value: "0", other: "24h", shows: remembersNoKey,
			bad: []string{"24", "-1h", "a day", "70000d"}},
		{variable: "IDEMPOTENCY_KEYS", preset: "by the memory", value: "1", other: "1000", shows: remembersOneKey,
			bad: []string{"0", "-1", "many", "1e6"}},
		{variable: "BACKUP_URL", preset: "none", value: storageOf(t), other: "s3://nowhere/x?endpoint=http://127.0.0.1:1&region=x", with: credentials(), shows: isBackedUp,
			bad: []string{"bucket", "http://bucket", "s3://bucket?endpoint=localhost"}},
		{variable: "BACKUP_INTERVAL", preset: "1m0s", value: "1s", other: "1h", with: append(credentials(), "BACKUP_URL="+storageOf(t)), shows: isBackedUpSoon,
			bad: []string{"0", "-1m", "1ms", "hourly"}},
		{variable: "RETENTION", preset: "for ever", value: "4d", other: "1095d",
			with: []string{"SNAPSHOT_INTERVAL=5ms", "LOG_LEVEL=debug"}, shows: keepsFourDays, bad: []string{"4", "-4d", "1d", "a year"}},
		{variable: "MAX_BENEFITS", preset: "10000", value: "2", other: "10000", shows: hasRoomForTwoBenefits,
			bad: []string{"0", "-1", "many", "99999999"}},
		{variable: "MAX_COUNTERS", preset: "by the memory", value: "3", other: "1000", shows: hasRoomForThreeCounters,
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

func listensOnAFreePort(t *testing.T, p *blackbox.Program) {
	if strings.HasSuffix(p.Address, ":4000") || strings.HasSuffix(p.Address, ":0") {
		t.Errorf("the server listens on %s, want a port that was free", p.Address)
	}
	p.Get(t, "/benefits").ExpectStatus(t, http.StatusOK)
}

func listensOnLoopback(t *testing.T, p *blackbox.Program) {
	if !strings.HasPrefix(p.Address, "127.0.0.1:") {
		t.Errorf("the server listens on %s, want 127.0.0.1", p.Address)
	}
}

func allowsThePage(t *testing.T, p *blackbox.Program) {
	p.Config.CORSDomain = "page.example"
	p.Get(t, "/benefits", "Origin", "https://page.example").ExpectHeader(t, "Access-Control-Allow-Origin", "https://page.example")
	p.Get(t, "/benefits", "Origin", "https://other.example").ExpectHeader(t, "Access-Control-Allow-Origin", "")
}

func keepsItsFilesIn(t *testing.T, p *blackbox.Program, name string) {
	line := p.Await(t, "listening")
	directory := line.Text(t, "data_dir")
	if entries, err := os.ReadDir(directory); err != nil || len(entries) == 0 || filepath.Base(directory) != name {
		t.Errorf("data_dir is %q and has %v (%v), want %q and some files", directory, entries, err, name)
	}
}

func writesASnapshot(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Await(t, "wrote a snapshot")
}

func isDurableEverySecond(t *testing.T, p *blackbox.Program) {
	line := p.Await(t, "listening")
	if durability := line.Text(t, "durability"); durability != "everysec" {
		t.Errorf("durability is %q, want everysec", durability)
	}
}

func takesASurvey(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.Array(blackbox.Record(blackbox.Fields{"event_type": `"survey"`}), blackbox.Record(blackbox.Fields{"event_type": `"click-2"`})))
	p.Post(t, blackbox.Record(blackbox.Fields{"event_type": `"opened"`})).ExpectSingleRejected(t, "event_type")
}

func refusesTwoHoursAgo(t *testing.T, p *blackbox.Program) {
	ago := func(age time.Duration) string {
		return blackbox.Record(blackbox.Fields{"created_at": blackbox.Quote(time.Now().Add(-age).Format(time.RFC3339))})
	}
	p.Created(t, ago(50*time.Minute))
	p.Post(t, ago(2*time.Hour)).ExpectSingleRejected(t, "created_at")
}

func remembersNoKey(t *testing.T, p *blackbox.Program) { countsOfKeys(t, p, 2, "k", "k") }

func remembersOneKey(t *testing.T, p *blackbox.Program) {
	countsOfKeys(t, p, 3, "k", "k", "l", "l", "k")
}

// countsOfKeys requires how many of some batches with keys count.
func countsOfKeys(t *testing.T, p *blackbox.Program, want int, keys ...string) {
	t.Helper()
	for _, key := range keys {
		p.Created(t, blackbox.RecordOf("RSA"), headerKey, key)
	}
	p.ExpectTotal(t, "RSA", want)
}

func keepsFourDays(t *testing.T, p *blackbox.Program) {
	fourDaysAgo := func() string { return time.Now().UTC().AddDate(0, 0, -4).Format(time.DateOnly) + "T00:00:00Z" }
	before := fourDaysAgo()
	writesASnapshot(t, p) // from then on the retention holds
	kept := p.Get(t, "/benefits?start_at=1970").Header.Get("Retention-Start-At")
	if kept != before && kept != fourDaysAgo() {
		t.Errorf("Retention-Start-At is %q, want %q", kept, before)
	}
}

func hasRoomForTwoBenefits(t *testing.T, p *blackbox.Program) {
	for _, benefit := range []string{"RSA", "APL", "third", "RSA", "fourth"} {
		p.Created(t, blackbox.RecordOf(benefit))
	}
	p.ExpectTotal(t, "RSA", 2)
	p.ExpectTotal(t, "__other__", 2)
}

// hasRoomForThreeCounters allows for records that are on their way when the
// limit is reached.
func hasRoomForThreeCounters(t *testing.T, p *blackbox.Program) {
	for index := range 500 {
		p.Created(t, blackbox.Record(blackbox.Fields{"benefit_index": strconv.Itoa(index + 1), "page_total": "500"}))
		if p.Get(t, "/statistics").Header.Get("Overflowed-Records") != "" {
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

func knowsTwoBenefits(t *testing.T, p *blackbox.Program) {
	p.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.RecordOf("APL")))
	p.Post(t, blackbox.RecordOf("# none of")).ExpectSingleRejected(t, "benefit_id")
}

func refuses301Bytes(t *testing.T, p *blackbox.Program) {
	body := blackbox.RecordOf("RSA")
	p.Created(t, body+strings.Repeat(" ", 300-len(body)))
	p.Post(t, body+strings.Repeat(" ", 301-len(body))).ExpectMessage(t, http.StatusRequestEntityTooLarge)
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
			p := blackbox.StartProgram(t, t.TempDir(), slices.Concat(s.with, []string{s.variable + "=" + s.value}))
			s.shows(t, p)
			p.Terminate(t)

			p = blackbox.StartProgram(t, t.TempDir(), slices.Concat(s.with, []string{s.variable + "=" + s.other}), s.flag(), s.value)
			s.shows(t, p)
			p.Terminate(t)
		})
	}
}

func TestABadValueIsRefusedInOneLineThatNamesIt(t *testing.T) {
	t.Parallel()
	for _, s := range allSettings(t, takenAddress(t)) {
		t.Run(s.variable, func(t *testing.T) {
			t.Parallel()
			for _, value := range s.bad {
				blackbox.Run(t, []string{s.variable + "=" + value}).ExpectRefusal(t, s.variable)
				refused := blackbox.Run(t, nil, s.flag()+"="+value)
				refused.ExpectRefusal(t)
				if name := strings.TrimLeft(s.flag(), "-"); !strings.Contains(refused.Stderr, name) && !strings.Contains(refused.Stderr, s.variable) {
					t.Errorf("the error is %q, want it to name %s", refused.Stderr, name)
				}
			}
		})
	}
}

func TestHelpListsEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		help := blackbox.Run(t, nil, arguments...)
		if help.Code != 0 || help.Stderr != "" {
			t.Errorf("%q ends with exit code %d and says %q", arguments, help.Code, help.Stderr)
		}
		lines := strings.Split(help.Stdout, "\n")
		for _, s := range allSettings(t, takenAddress(t)) {
			at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), s.flag()+" ") })
			if at < 0 || !strings.Contains(lines[at], "[$"+s.variable+"]") || !strings.Contains(lines[at], "(default: "+s.preset+")") {
				t.Errorf("%q prints\n%s\nwant a line with %s, %s and the default %s", arguments, help.Stdout, s.flag(), s.variable, s.preset)
			}
		}
		if !strings.Contains(help.Stdout, "verify") {
			t.Errorf("%q does not tell of verify", arguments)
		}
	}
}

func TestEveryFlagIsASettingOfThisTable(t *testing.T) {
	t.Parallel()
	known := []string{"--help", "--version", "--access-log", "--page-indexable"} // which take no value
	for _, s := range allSettings(t, takenAddress(t)) {
		known = append(known, s.flag())
	}
	if flags := flagsIn(blackbox.Run(t, nil, "--help").Stdout); !slices.Equal(slices.Sorted(slices.Values(flags)), slices.Sorted(slices.Values(known))) {
		t.Errorf("the flags are %q, the tests know %q", flags, known)
	}
	if flags := flagsIn(blackbox.Run(t, nil, "verify", "--help").Stdout); !slices.Equal(flags, []string{"--repair", "--help", "--data-dir"}) {
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
		blackbox.Run(t, nil, arguments...).ExpectRefusal(t, "--help")
	}
}

func TestAWordThatIsNearlyOneIsToldWithTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	for written, meant := range map[string]string{
		"verifiy": "verify", "exprot": "export", "helth": "health", "--prot": "--port", "--corsdomain": "--cors-domain",
	} {
		blackbox.Run(t, nil, written).ExpectRefusal(t, written, "did you mean "+meant+"?")
	}
	blackbox.Run(t, nil, "verify", "--repare").ExpectRefusal(t, "did you mean --repair?")
	blackbox.Run(t, nil, "frobnicate").ExpectRefusal(t, `unknown command "frobnicate"; see`)
}

func TestTheVersionIsToldByHabitToo(t *testing.T) {
	t.Parallel()
	if flag, command := blackbox.Run(t, nil, "--version"), blackbox.Run(t, nil, "version"); flag != command || flag.Code != 0 || flag.Stdout == "" {
		t.Errorf("--version says %+v, version %+v", flag, command)
	}
}

func TestAMisspeltVariableIsWarnedOf(t *testing.T) {
	t.Parallel()
	p := blackbox.StartProgram(t, t.TempDir(), []string{"READ_TOKENS=secret", "CORS_DOMAINS=https://a.example"})
	for variable, setting := range map[string]string{"READ_TOKENS": "READ_TOKEN", "CORS_DOMAINS": "CORS_DOMAIN"} {
		lines := blackbox.Logged(p.Process)
		if !slices.ContainsFunc(lines, func(line blackbox.LogLine) bool {
			return line["variable"] == variable && line["did_you_mean"] == setting
		}) {
			t.Errorf("nothing says that %s is not %s:\n%s", variable, setting, p.Log)
		}
	}
	if strings.Contains(p.Log.String(), "secret") {
		t.Errorf("the value is in the log:\n%s", p.Log)
	}
}

func TestLengthsOfTimeInTheLogHaveTheirUnit(t *testing.T) {
	t.Parallel()
	p := blackbox.StartProgram(t, t.TempDir(), []string{"ACCESS_LOG=true", "LOG_LEVEL=debug", "SNAPSHOT_INTERVAL=5ms"})
	p.Created(t, blackbox.RecordOf("RSA"))
	for message, attribute := range map[string]string{"request": "duration", "wrote a snapshot": "took"} {
		line := p.Await(t, message)
		if _, err := time.ParseDuration(line.Text(t, attribute)); err != nil {
			t.Errorf("%s of %q is %v, want text such as 1.5ms", attribute, message, line[attribute])
		}
	}
}

func TestThePortThatIsInUseIsNamed(t *testing.T) {
	t.Parallel()
	taken := takenAddress(t)
	_, port, _ := net.SplitHostPort(taken)
	blackbox.Run(t, []string{"PORT=" + port}).ExpectRefusal(t, "PORT", port, "in use")
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
			blackbox.Run(t, []string{"DATA_DIR=" + directory}).ExpectRefusal(t, directory)
		})
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "mine" {
		t.Errorf("the file that was in the way holds %q now (%v)", content, err)
	}
}

func TestASecondProcessOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	first := blackbox.StartProgram(t, directory, nil)
	first.Created(t, blackbox.RecordOf("RSA"))
	blackbox.Run(t, []string{"DATA_DIR=" + directory}).ExpectRefusal(t, directory, "in use by another process")
	first.Created(t, blackbox.RecordOf("RSA"))
	first.Kill(t)
	blackbox.StartProgram(t, directory, nil).ExpectTotal(t, "RSA", 2)
}

func TestSIGINTAndSIGTERMEndTheServerWithExitCode0(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		directory := t.TempDir()
		p := blackbox.StartProgram(t, directory, nil)
		p.Created(t, blackbox.Times(3, blackbox.RecordOf("RSA")))
		if ending := p.End(t, signal); ending != (harness.Ending{}) {
			t.Errorf("after %v: %v:\n%s", signal, ending, p.Log)
		}
		blackbox.StartProgram(t, directory, nil).ExpectTotal(t, "RSA", 3)
	}
}
