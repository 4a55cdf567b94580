package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// proxied are nodes whose clients know only the nginx of deploy/cluster.
type proxied struct {
	t       *testing.T
	servers *servers
	nodes   []*node
	admins  []string
	front   string
	nginx   *harness.Process
	program string

	mu                 sync.Mutex
	sent, acknowledged int64       // records
	statuses           map[int]int // of posts, since the last call of answersSince
	lastAnswer         time.Time
	longest            time.Duration // without a post that was acknowledged, since then
}

func (p *proxied) start(i int, program string, environment ...string) {
	p.t.Helper()
	n := p.nodes[i]
	n.settings.Program = program
	n.settings.Environment = append([]string{
		"PORT=" + n.url[strings.LastIndex(n.url, ":")+1:], "ADMIN_ADDR=" + p.admins[i], "SNAPSHOT_INTERVAL=1s",
	}, environment...)
	if err := n.start(); err != nil {
		p.t.Fatalf("node %d: %v", i+1, err)
	}
}

// stop asks a node to end, and waits until it has.
func (p *proxied) stop(i int) {
	p.t.Helper()
	if err := p.nodes[i].server.Stop(); err != nil {
		p.t.Fatalf("node %d: %v\n%s", i+1, err, p.nodes[i].server.Log.Tail())
	}
	p.nodes[i].server = nil
}

func (p *proxied) ready(i int) {
	p.t.Helper()
	said := ""
	isReady := harness.Until(func() bool {
		response, err := http.Get("http://" + p.admins[i] + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		said = string(body)
		return response.StatusCode == http.StatusOK
	})
	if !isReady {
		p.t.Fatalf("node %d is not ready: %s; it wrote:\n%s", i+1, said, p.nodes[i].server.Log.Tail())
	}
}

// used waits until nginx sends posts to a node, which has just started.
func (p *proxied) used(i int) {
	p.t.Helper()
	harnesstest.Until(p.t, fmt.Sprintf("node %d gets posts", i+1), func() bool {
		response, err := http.Get("http://" + p.admins[i] + "/metrics")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		metrics, err := io.ReadAll(response.Body)
		return err == nil && bytes.Contains(metrics, []byte("\nstats_recorder_records_accepted_total ")) &&
			!bytes.Contains(metrics, []byte("\nstats_recorder_records_accepted_total 0\n"))
	})
}

// hasAllOf waits until a node has all that the log had at a moment.
func (p *proxied) hasAllOf(i int, moment time.Time) {
	p.t.Helper()
	harnesstest.Until(p.t, fmt.Sprintf("node %d has all of the log", i+1), func() bool {
		response, err := http.Get(p.nodes[i].url + "/benefits")
		if err != nil {
			return false
		}
		response.Body.Close()
		at, err := time.Parse(time.RFC3339, response.Header.Get("Counted-At"))
		return err == nil && at.After(moment)
	})
}

// agree waits until the nodes count what was acknowledged, and no more than was sent, alike.
func (p *proxied) agree(nodes ...int) {
	p.t.Helper()
	var err error
	harness.Until(func() bool {
		err = p.compare(nodes)
		return err == nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *proxied) compare(nodes []int) error {
	var first *harness.Ledger
	for _, i := range nodes {
		ledger, err := harness.ReadBack(p.t.Context(), p.nodes[i].server.URL(), 2)
		if err != nil {
			return fmt.Errorf("node %d: %w", i+1, err)
		}
		if first == nil {
			first = ledger
		}
		if err := first.Compare(ledger); err != nil {
			return fmt.Errorf("nodes %d and %d: %w", nodes[0]+1, i+1, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	counted := first.Records()
	if counted < p.acknowledged || counted > p.sent {
		return fmt.Errorf("%d records are counted, %d were acknowledged, %d sent", counted, p.acknowledged, p.sent)
	}
	p.t.Logf("%d nodes: %d records counted, %d acknowledged, %d sent", len(nodes), counted, p.acknowledged, p.sent)
	return nil
}

// says runs the recorder's program, and holds what it writes to a pattern.
func (p *proxied) says(pattern string, arguments ...string) {
	p.t.Helper()
	command := exec.Command(p.program, arguments...)
	command.Env = append(os.Environ(), "LOG_URL="+p.servers.urls())
	output, err := command.CombinedOutput()
	if err != nil || !regexp.MustCompile(pattern).Match(output) {
		p.t.Errorf("%q: %v; it wrote\n%s\nwant %s", arguments, err, output, pattern)
	}
}

// behindNginx are addresses of three nodes that do not run, servers of the log that do,
// and nginx.
func behindNginx(t *testing.T) *proxied {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("needs nginx")
	}
	directory := t.TempDir()
	recorder, err := harness.Build(t.Context(), harness.BuildSettings{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	program, err := harness.BuildLogServer(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxied{t: t, program: recorder, statuses: map[int]int{}}
	if p.servers, err = newServers(program, directory, &network{}, 3); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, n := range p.nodes {
			err = errors.Join(err, n.kill())
		}
		if err := errors.Join(err, p.servers.kill()); err != nil {
			t.Error(err)
		}
	})
	site, err := os.ReadFile("../../deploy/cluster/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	addresses := make([]string, 7)
	for i := range addresses {
		if addresses[i], err = harness.FreeAddress(); err != nil {
			t.Fatal(err)
		}
	}
	p.front = "http://" + addresses[6]
	content := strings.Replace(string(site), "listen 80;", "listen "+addresses[6]+";", 1)
	for i := range 3 {
		content = strings.Replace(content, fmt.Sprintf("10.0.0.%d:4000", i+1), addresses[i], 1)
		p.admins = append(p.admins, addresses[3+i])
		p.nodes = append(p.nodes, &node{url: "http://" + addresses[i], settings: harness.Settings{
			Data: filepath.Join(directory, fmt.Sprint("data", i+1)), Inherited: os.Environ(),
		}})
	}
	path := filepath.Join(directory, "nginx.conf")
	whole := "daemon off; pid " + directory + "/nginx.pid; error_log stderr; events {} http { access_log off; " + content + " }"
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if p.nginx, err = harness.Start(exec.Command(nginx, "-p", directory, "-c", path)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.nginx.Stop(); err != nil {
			t.Error(err)
		}
	})
	harnesstest.Until(t, "nginx takes connections", func() bool { return answers(addresses[6]) })
	return p
}

// underLoad posts through nginx until the returned function is called.
func (p *proxied) underLoad(posters int) (end func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var posting sync.WaitGroup
	for range posters {
		posting.Go(func() {
			for ctx.Err() == nil {
				p.postToFront()
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		posting.Wait()
	}
}

func (p *proxied) postToFront() {
	p.mu.Lock()
	p.sent += recordsInAPost
	p.mu.Unlock()
	status := 0
	response, err := http.Post(p.front+"/benefits", "application/json", bytes.NewReader(aPage(rand.IntN(pages))))
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		status = response.StatusCode
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statuses[status]++
	if status == http.StatusOK {
		p.acknowledged += recordsInAPost
		now := time.Now()
		p.longest, p.lastAnswer = max(p.longest, now.Sub(p.lastAnswer)), now
	}
}

// answersSince are how many posts got which status since the last call, and how long none got 200.
func (p *proxied) answersSince() (statuses map[int]int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	statuses, longest = p.statuses, p.longest
	p.statuses, p.longest = map[int]int{}, 0
	return statuses, longest
}

// posted waits until so many more posts were answered.
func (p *proxied) posted(more int) {
	p.t.Helper()
	p.mu.Lock()
	before := p.statuses[http.StatusOK]
	p.mu.Unlock()
	harnesstest.Until(p.t, "posts are acknowledged", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.statuses[http.StatusOK] >= before+more
	})
}

// expectNoneRefused says what posts got, and fails where one got anything but 200.
func (p *proxied) expectNoneRefused(when string) {
	p.t.Helper()
	statuses, longest := p.answersSince()
	p.t.Logf("%s: posts by status %v; at most %s without one that was acknowledged", when, statuses, longest.Round(time.Millisecond))
	if len(statuses) != 1 || statuses[http.StatusOK] == 0 {
		p.t.Errorf("%s: posts by status %v, want 200 alone; nginx wrote:\n%s", when, statuses, p.nginx.Log.Tail())
	}
}

// TestNoPostThroughNginxMeetsAStop stops nodes under load, each of which counts alone, so that
// nothing but their stops can cost a post.
func TestNoPostThroughNginxMeetsAStop(t *testing.T) {
	stops := harnesstest.Scale(0, 24)
	if stops == 0 {
		t.Skip("it takes a minute: run with -tags long")
	}
	p := behindNginx(t)
	p.lastAnswer = time.Now()
	for i := range p.nodes {
		p.start(i, p.program)
	}
	end := p.underLoad(8)
	for i := range p.nodes {
		p.used(i)
	}
	counted := int64(0)
	for stop := range stops {
		i := stop % len(p.nodes)
		p.stop(i)
		p.posted(20)
		p.start(i, p.program)
		p.ready(i)
		p.used(i)
	}
	end()
	p.expectNoneRefused(fmt.Sprint(stops, " stops"))
	for i, n := range p.nodes {
		ledger, err := harness.ReadBack(t.Context(), n.server.URL(), 2)
		if err != nil {
			t.Fatalf("node %d: %v", i+1, err)
		}
		counted += ledger.Records()
	}
	if counted < p.acknowledged || counted > p.sent {
		t.Errorf("%d records are counted, %d were acknowledged, %d sent", counted, p.acknowledged, p.sent)
	}
}

func TestOneNodeBecomesThreeAndOneAgainUnderLoad(t *testing.T) {
	if harnesstest.Scale(0, 1) == 0 {
		t.Skip("it starts three servers of the log, three recorders and nginx: run with -tags long")
	}
	p := behindNginx(t)
	p.lastAnswer = time.Now()
	newer, err := harness.Build(t.Context(), harness.BuildSettings{Directory: t.TempDir(), Environment: []string{"GOFLAGS=-ldflags=-s"}})
	if err != nil {
		t.Fatal(err)
	}
	with := "LOG_URL=" + p.servers.urls()

	p.start(0, p.program)
	end := p.underLoad(4)
	defer func() { end() }()
	p.posted(200)
	p.expectNoneRefused("one node")
	p.stop(0)
	p.start(0, p.program)
	p.posted(50)
	statuses, plain := p.answersSince()
	t.Logf("a restart alone: posts by status %v; %s without one that was acknowledged", statuses, plain.Round(time.Millisecond))

	p.stop(0)
	p.start(0, p.program, with)
	p.posted(50)
	statuses, joining := p.answersSince()
	t.Logf("a restart with LOG_URL: posts by status %v; %s without one that was acknowledged", statuses, joining.Round(time.Millisecond))
	p.ready(0)
	p.start(1, p.program, with, "IDEMPOTENCY_WINDOW=23h")
	if _, err := p.nodes[1].server.Log.Await(harness.Match{Title: "the setting that differs", Matches: func(line harness.Line) bool {
		return strings.Contains(line.Text, `IDEMPOTENCY_WINDOW is \"23h0m0s\" here and \"24h0m0s\" there`)
	}}, 0); err != nil {
		t.Error(err)
	}
	p.start(2, p.program, with)
	for _, i := range []int{1, 2} {
		p.ready(i)
		p.used(i)
	}
	p.posted(200)
	p.expectNoneRefused("from one node to three")
	p.says(`not the same: IDEMPOTENCY_WINDOW is "23h0m0s" here and "24h0m0s" there`, "--idempotency-window", "23h", "cluster", "status")

	for i, program := range []string{p.program, p.program, p.program, newer, newer, newer} {
		p.stop(i % 3)
		p.posted(20)
		p.start(i%3, program, with)
		p.ready(i % 3)
		p.used(i % 3)
	}
	p.expectNoneRefused("six restarts, one after the other, of which three with a newer program")
	end()
	p.agree(0, 1, 2)

	end = p.underLoad(4)
	p.posted(200)
	p.stop(2)
	p.stop(1)
	stopped := time.Now()
	p.posted(50)
	p.expectNoneRefused("from three nodes to one")
	p.hasAllOf(0, stopped)
	p.says(`counts with other nodes: \d+ frames? of \d+ origins?, log \w+ merged up to \d+\nthe log: \d+ frames? behind what is merged; `+
		`other nodes share \d+ that are not here; 0 from here are yet to be told`, "--data-dir", p.nodes[2].settings.Data, "verify")
	p.says(`other frames: the first lacks \d+ of the second, the second \d+ of the first`, "--data-dir", p.nodes[1].settings.Data, "cluster", "hash", p.nodes[2].settings.Data)
	p.says(`the same frames and the same counts`, "--data-dir", p.nodes[1].settings.Data, "cluster", "hash", p.nodes[1].settings.Data)
	p.stop(0)
	p.start(0, newer)
	p.posted(50)
	statuses, leaving := p.answersSince()
	t.Logf("a restart without LOG_URL: posts by status %v; %s without one that was acknowledged", statuses, leaving.Round(time.Millisecond))
	end()
	p.agree(0)
}
