// Package deploy has examples of how to run the server; its tests run them.
package deploy

import (
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// patience bounds every wait; only something broken uses it up.
const patience = 20 * time.Second

// static is the binary as the Containerfile builds it.
var static = harnesstest.Binary{Environment: []string{"CGO_ENABLED=0"}}

// TestMain removes the binary that tests have built.
func TestMain(m *testing.M) {
	defer static.Remove()
	m.Run()
}

// tool finds a program, or skips the test and says which Debian package has it.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s, of the Debian package %s", name, pkg)
	}
	return path
}

// output runs a program to its end and requires that it succeeds.
func output(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	text, err := exec.CommandContext(ctx, name, arguments...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, arguments, err, text)
	}
	return string(text)
}

// freeAddress returns an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := harness.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// serverCommand is the server with data of its own, behind a proxy on this machine.
func serverCommand(t *testing.T) *exec.Cmd {
	t.Helper()
	return harness.Settings{
		Program: static.Path(t), Data: t.TempDir(),
		Environment: []string{"ADMIN_ADDR=127.0.0.1:0", "TRUSTED_PROXIES=127.0.0.1"},
	}.Command()
}

// startServer runs a server for the length of the test and waits until it is ready.
func startServer(t *testing.T, command *exec.Cmd) *harness.Server {
	t.Helper()
	server := harnesstest.Launch(t, command)
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	harnesstest.Until(t, "the server is ready", func() bool {
		response, _ := request(t, http.MethodGet, "http://"+server.Admin+"/readyz", "")
		return response.StatusCode == http.StatusOK
	})
	return server
}

// request sends a request until somebody answers, and returns what.
func request(t *testing.T, method, url, body string, headers ...string) (response *http.Response, content string) {
	t.Helper()
	harnesstest.Until(t, "an answer of "+url, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		if response, err = http.DefaultClient.Do(request); err != nil {
			return false
		}
		defer response.Body.Close()
		read, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		content = string(read)
		return true
	})
	return response, content
}

const record = `{"benefit_id":"RSA","hash_id":"visitor","benefit_index":1,"page_total":2}`

// expectCounting posts through a front, also at once, and reads it all back.
func expectCounting(t *testing.T, url string) {
	t.Helper()
	const clients, posts = 8, 25
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for range posts {
				response, body := request(t, http.MethodPost, url+"/benefits", "["+record+","+record+"]", "Content-Type", "application/json")
				if response.StatusCode != http.StatusOK || body != `{"response":"Record created"}` {
					t.Errorf("a post gets %d %s", response.StatusCode, body)
				}
			}
		})
	}
	group.Wait()
	preflight, _ := request(t, http.MethodOptions, url+"/benefits", "", "Origin", "https://page.example",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if preflight.StatusCode != http.StatusNoContent || preflight.Header.Get("Access-Control-Allow-Origin") != "*" ||
		preflight.Header.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Errorf("a preflight gets %d %v", preflight.StatusCode, preflight.Header)
	}
	want := fmt.Sprintf(`[{"benefit":"RSA","events_count":%d,"events":{"show":{"2":{"1":%[1]d}}}}]`, 2*clients*posts)
	response, body := request(t, http.MethodGet, url+"/statistics", "")
	if body != want {
		t.Errorf("the statistics are %s, want %s", body, want)
	}
	tagged, _ := request(t, http.MethodGet, url+"/statistics", "", "If-None-Match", response.Header.Get("ETag"))
	if tagged.StatusCode != http.StatusNotModified {
		t.Errorf("a known ETag gets %d", tagged.StatusCode)
	}
	tooLarge, _ := request(t, http.MethodPost, url+"/benefits", strings.Repeat(" ", 200<<10), "Content-Type", "application/json")
	if tooLarge.StatusCode != http.StatusRequestEntityTooLarge || tooLarge.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a large body gets %d %v", tooLarge.StatusCode, tooLarge.Header)
	}
	if page, _ := request(t, http.MethodGet, url+"/metrics", ""); page.StatusCode != http.StatusNotFound {
		t.Errorf("/metrics gets %d", page.StatusCode)
	}
}

// example reads a file of this directory with some of its text replaced.
func example(t *testing.T, name string, replaced ...string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(replaced); i += 2 {
		if !strings.Contains(text, replaced[i]) {
			t.Fatalf("%s has no %q", name, replaced[i])
		}
		text = strings.ReplaceAll(text, replaced[i], replaced[i+1])
	}
	return text
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNginxExample(t *testing.T) {
	t.Parallel()
	nginx := tool(t, "nginx", "nginx")
	address := startServer(t, serverCommand(t)).Address
	front := freeAddress(t)
	site := example(t, "nginx.conf", "listen 80;", "listen "+front+";", "listen [::]:80;", "", "127.0.0.1:4000", address)
	startNginx(t, nginx, site)
	expectCounting(t, "http://"+front)
}

// startNginx runs nginx with a site for the length of the test, once it has checked it.
func startNginx(t *testing.T, nginx, site string) {
	t.Helper()
	directory, paths := t.TempDir(), ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		paths += kind + "_temp_path " + filepath.Join(directory, kind) + ";\n"
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	whole := user + "worker_processes 1;\nmaster_process off;\ndaemon off;\npid " + filepath.Join(directory, "pid") +
		";\nerror_log stderr;\nevents {}\nhttp {\n" + paths + site + "}\n"
	path := write(t, filepath.Join(directory, "nginx.conf"), whole)
	output(t, nginx, "-t", "-q", "-c", path, "-p", directory)
	harnesstest.Start(t, exec.Command(nginx, "-c", path, "-p", directory))
}

func TestCaddyExample(t *testing.T) {
	t.Parallel()
	caddy := tool(t, "caddy", "caddy")
	address := startServer(t, serverCommand(t)).Address
	front, directory := freeAddress(t), t.TempDir()
	site := example(t, "Caddyfile", "stats.example.org {", "http://"+front+" {", "127.0.0.1:4000", address)
	path := write(t, filepath.Join(directory, "Caddyfile"), "{\n\tadmin off\n}\n"+site)
	command := exec.Command(caddy, "run", "--config", path, "--adapter", "caddyfile")
	command.Env = append(os.Environ(), "HOME="+directory, "XDG_DATA_HOME="+directory, "XDG_CONFIG_HOME="+directory)
	harnesstest.Start(t, command)
	expectCounting(t, "http://"+front)
}

// TestUnitIsHardened asks systemd what the service could do to the machine.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	directory := t.TempDir()
	unit := write(t, filepath.Join(directory, "stats-recorder.service"),
		example(t, "stats-recorder.service", "/usr/local/bin/stats-recorder", static.Path(t)))
	socket := write(t, filepath.Join(directory, "stats-recorder.socket"), example(t, "stats-recorder.socket"))
	if said := output(t, analyze, "verify", unit, socket); said != "" {
		t.Errorf("systemd-analyze verify says:\n%s", said)
	}
	said := output(t, analyze, "security", "--offline=true", "--threshold=15", unit) // 1.5 of 10
	exposure := regexp.MustCompile(`Overall exposure level.*: (\S+)`).FindStringSubmatch(said)
	if exposure == nil {
		t.Fatalf("systemd-analyze security does not say how exposed the service is:\n%s", said)
	}
	t.Logf("exposure %s of 10", exposure[1])
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	output(t, promtool, "check", "rules", "alerts.yml")
	output(t, promtool, "test", "rules", "alerts_test.yml")
}

// TestTheDashboardAsksInPromQL makes a rule of each query of the dashboard, for a job
// named as one would be, and has them checked.
func TestTheDashboardAsksInPromQL(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool", "prometheus")
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(example(t, "grafana/stats-recorder.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	rules := []map[string]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			rules = append(rules, map[string]string{"record": fmt.Sprintf("panel:%d", len(rules)), "expr": target.Expr})
		}
	}
	groups, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	output(t, promtool, "check", "rules", write(t, filepath.Join(t.TempDir(), "rules.yml"), string(groups))) // JSON is YAML
}

// TestAlertsAreAboutMetricsThatThereAre compares the rules with a server.
func TestAlertsAreAboutMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	server := startServer(t, serverCommand(t))
	_, metrics := request(t, http.MethodGet, "http://"+server.Admin+"/metrics", "")
	names := regexp.MustCompile(`stats_recorder_\w+|process_\w+`).FindAllString(example(t, "alerts.yml"), -1)
	for _, name := range names {
		if !strings.Contains(metrics, "# TYPE "+strings.TrimSuffix(name, "_bucket")+" ") && !strings.Contains(metrics, "\n"+name+" ") {
			t.Errorf("there is no metric %s", name)
		}
	}
	if promtool, err := exec.LookPath("promtool"); err == nil {
		command := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		ours, _, _ := strings.Cut(metrics, "\ngo_")
		command.Stdin = strings.NewReader(ours + "\n")
		if said, err := command.CombinedOutput(); err != nil && command.ProcessState.ExitCode() != 3 { // 3: matters of style
			t.Errorf("promtool check metrics: %v\n%s", err, said)
		}
	}
}

// TestBinaryNeedsNothing runs the binary where there is nothing else, as in an
// image from scratch.
func TestBinaryNeedsNothing(t *testing.T) {
	t.Parallel()
	file, err := elf.Open(static.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, header := range file.Progs {
		if header.Type == elf.PT_INTERP || header.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary is linked dynamically: %v", header.Type)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("needs root for chroot")
	}
	root := t.TempDir()
	content, err := os.ReadFile(static.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65532
	if err := os.WriteFile(filepath.Join(root, "stats-recorder"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(root, "data"), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	confined := func(command *exec.Cmd) *exec.Cmd {
		command.Path, command.Args[0], command.Dir = "/stats-recorder", "/stats-recorder", "/"
		command.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return command
	}
	command := serverCommand(t)
	command.Env = append(command.Env, "DATA_DIR=/data")
	server := startServer(t, confined(command))
	expectCounting(t, "http://"+server.Address)
	health := confined(exec.Command(static.Path(t), "health", "--ready"))
	health.Env = []string{"ADMIN_ADDR=" + server.Admin}
	if said, err := health.CombinedOutput(); err != nil || string(said) != "ready\n" {
		t.Errorf("health says %q, %v", said, err)
	}
}

// TestContainerfileStartsTheServer compares it with the binary.
func TestContainerfileStartsTheServer(t *testing.T) {
	t.Parallel()
	container := example(t, "Containerfile")
	for _, line := range []string{"FROM scratch", "CGO_ENABLED=0", "USER 65532:65532", "VOLUME /data", `ENTRYPOINT ["/stats-recorder"]`} {
		if !strings.Contains(container, line) {
			t.Errorf("the Containerfile has no %q", line)
		}
	}
}
