package docs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// program is the server that the documents speak of.
var program harnesstest.Binary

func TestMain(m *testing.M) {
	code := m.Run()
	program.Remove()
	os.Exit(code)
}

// notTried are how many blocks of commands of a document are not run, because the test
// has no machine for them: a service manager, a container, a remote host, minutes. A new
// one is for a person to decide.
var notTried = map[string]int{
	"CONTRIBUTING.md":       1, // all tests
	"README.md":             3, // all tests; the demonstration, which runs until it is stopped; ten minutes of torture
	"deploy/README.md":      2, // systemctl; podman
	"docs/migration.md":     1, // mongodump
	"docs/operations.md":    3,
	"docs/performance.md":   4, // measurements
	"docs/several-nodes.md": 2, // measurements; a test of bench/nodes holds the document to the model
	"docs/upgrade.md":       1, // apt
	"release/README.md":     1, // building all packages
}

// TestCommandsDoAsDocumented runs every block of commands of every document, in order, in
// a directory of the document's own. Where a block of JSON or of text follows one, that
// must be what it prints; … stands for anything in it.
func TestCommandsDoAsDocumented(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs ", tool)
		}
	}
	french := slices.Collect(maps.Values(frenchOf)) // TestFrenchDocumentsSayTheSame holds theirs
	for _, path := range documents(t) {
		if slices.Contains(french, path) {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			steps := stepsOf(readDocument(t, path))
			trial := newTrial(t, path)
			omitted := 0
			for i, step := range steps {
				switch {
				case step.language == "sh" && step.order == "not":
					omitted++
					if step.argument == "" {
						t.Errorf("%s:%d: a block is not run, and no reason stands there", path, step.line)
					}
				case step.language == "sh":
					trial.do(step, shownAfter(steps[i+1:]))
				case step.language == "js" && step.order != "not":
					trial.page(step)
				}
			}
			if omitted != notTried[path] {
				t.Errorf("%d blocks of commands are not run, and %d are accounted for in notTried", omitted, notTried[path])
			}
		})
	}
}

// shownAfter is what a document shows right after a block of commands; nil for nothing.
func shownAfter(following []step) *step {
	if len(following) > 0 && (following[0].language == "json" || following[0].language == "text") && following[0].order == "" {
		return &following[0]
	}
	return nil
}

// trial runs the commands of one document.
type trial struct {
	*testing.T
	path      string
	directory string
	ports     map[string]string // by those of the document
	started   []*exec.Cmd
}

func newTrial(t *testing.T, path string) *trial {
	made := &trial{T: t, path: path, directory: t.TempDir(), ports: map[string]string{}}
	t.Cleanup(made.stop)
	return made
}

// documentedPort is a port in a document; each becomes one that is free.
var documentedPort = regexp.MustCompile(`\b40\d\d\b`)

func (r *trial) port(documented string) string {
	if r.ports[documented] == "" {
		_, port, _ := strings.Cut(freeAddress(r.T), ":")
		r.ports[documented] = port
	}
	return r.ports[documented]
}

// prepare puts the program where the documents have it: on the path, in the directory,
// and as what "go run ." runs.
func (r *trial) prepare() {
	tools := filepath.Join(r.directory, ".tools")
	if _, err := os.Stat(tools); err == nil {
		return
	}
	built := program.Path(r.T)
	const fakeGo = "#!/bin/sh\n" + `case "$1 $2" in
"run .") shift 2; exec stats-recorder "$@" ;;
"build -o") exec ln -sf "$(command -v stats-recorder)" "$3" ;;
esac
echo "the documents run go $* in a test" >&2; exit 99` + "\n"
	err := os.Mkdir(tools, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(tools, "go"), []byte(fakeGo), 0o755)
	}
	for _, name := range []string{filepath.Join(tools, "stats-recorder"), filepath.Join(r.directory, "stats-recorder")} {
		if err == nil {
			err = os.Symlink(built, name)
		}
	}
	if err != nil {
		r.Fatal(err)
	}
}

// command is a script in the directory of the document.
func (r *trial) command(interpreter []string, script string) *exec.Cmd {
	r.prepare()
	script = documentedPort.ReplaceAllStringFunc(script, r.port)
	command := exec.CommandContext(r.Context(), interpreter[0], append(interpreter[1:], script)...)
	command.Dir = r.directory
	command.Env = append(os.Environ(),
		"PATH="+filepath.Join(r.directory, ".tools")+":"+os.Getenv("PATH"),
		"HOST=127.0.0.1", "PORT="+r.port("4000"), "ADMIN_ADDR=127.0.0.1:"+r.port("4001"), "BASH_ENV="+filepath.Join(r.directory, ".environment"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return command
}

// do runs a step, and compares what it prints with what is shown.
func (r *trial) do(step step, shown *step) {
	r.Helper()
	if step.order == "stop" {
		r.stop()
		if step.text == "" {
			return
		}
	}
	command := r.command([]string{"bash", "-euo", "pipefail", "-c"}, step.text)
	if step.order == "start" {
		r.start(step, command)
		return
	}
	var printed, said strings.Builder
	command.Stdout, command.Stderr = &printed, &said
	err := command.Run()
	code := command.ProcessState.ExitCode()
	want, _ := strconv.Atoi(step.argument) // 0 unless the order is fails
	if step.order != "fails" {
		want = 0
	}
	if code != want {
		r.Fatalf("%s:%d:\n%s\nends with %d (%v), want %d:\n%s%s", r.path, step.line, step.text, code, err, want, printed.String(), said.String())
	}
	if shown != nil && !matches(printed.String(), *shown) {
		r.Errorf("%s:%d:\n%s\nprints\n%s\nbut the document has\n%s", r.path, step.line, step.text, printed.String(), shown.text)
	}
}

// adminPort finds the admin address that a script gives.
var adminPort = regexp.MustCompile(`(?i)admin[-_]addr[= ]\S*?:(40\d\d)`)

// start leaves a step running, once the server that it starts is ready.
func (r *trial) start(step step, command *exec.Cmd) {
	r.Helper()
	log := filepath.Join(r.directory, fmt.Sprintf(".log-%d", step.line))
	output, err := os.Create(log)
	if err != nil {
		r.Fatal(err)
	}
	defer output.Close()
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		r.Fatal(err)
	}
	r.started = append(r.started, command)
	admin := "4001"
	if found := adminPort.FindStringSubmatch(step.text); found != nil {
		admin = found[1]
	}
	if !harness.Until(func() bool { return isReady(r.Context(), "http://127.0.0.1:"+r.port(admin)+"/readyz") }) {
		content, _ := os.ReadFile(log)
		r.Fatalf("%s:%d:\n%s\nis not ready:\n%s", r.path, step.line, step.text, content)
	}
}

func isReady(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop ends what was started, as a person does who is done with it.
func (r *trial) stop() {
	for _, command := range r.started {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGTERM) // it may have ended
		_ = command.Wait()                                      // bash says that it was told to end
	}
	r.started = nil
}

// pageWorld is what a page has beside fetch, for Node: sendBeacon sends as fetch does.
// The rest is what the documents' pages have shown.
const pageWorld = `const results = [{id: "RSA"}, {id: "APL"}], visitor = "v";
const records = results.map((result, i) => ({benefit_id: result.id, hash_id: visitor, benefit_index: i + 1, page_total: results.length}));
globalThis.navigator ??= {}; const sent = [];
navigator.sendBeacon = (url, body) => { sent.push(fetch(url, {method: "POST", body, keepalive: true})); return true };
globalThis.addEventListener ??= (_, run) => run(); globalThis.document ??= {addEventListener: (_, run) => run(), visibilityState: "hidden"};
(async () => {
%s
for (const one of await Promise.all(sent)) if (!one.ok) throw new Error(await one.text());
})().catch(error => { console.error(error); process.exit(1) });`

// page runs a script for pages in Node, where it is installed.
func (r *trial) page(step step) {
	r.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		return
	}
	script := strings.ReplaceAll(step.text, "https://stats.example.org", "http://localhost:4000")
	if said, err := r.command([]string{"node", "-e"}, fmt.Sprintf(pageWorld, script)).CombinedOutput(); err != nil {
		r.Errorf("%s:%d:\n%s\n%v\n%s", r.path, step.line, step.text, err, said)
	}
}

// matches says whether what was printed is what is shown. JSON may be shown with
// indentation, and … stands for anything.
func matches(printed string, shown step) bool {
	want := strings.TrimSpace(shown.text)
	if shown.language == "json" {
		printed, want = compact(printed), compact(want)
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", "(?s:.*?)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(printed))
}

// indentation is what a document adds to JSON for people.
var indentation = regexp.MustCompile(`\n\s*|(": )|(, )`)

// compact takes the indentation out of JSON.
func compact(text string) string {
	return indentation.ReplaceAllStringFunc(strings.TrimSpace(text), strings.TrimSpace)
}
