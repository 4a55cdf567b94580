package deploy

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"stats-recorder/harness/harnesstest"
)

func TestTheLogsServersSyncBeforeTheyAnswer(t *testing.T) {
	t.Parallel()
	options, err := server.ProcessConfigFile("cluster/nats-server.conf")
	if err != nil {
		t.Fatal(err)
	}
	if !options.SyncAlways || !options.JetStream {
		t.Error("the server does not sync always")
	}
	if len(options.Routes) != 3 || options.Cluster.Name == "" {
		t.Errorf("the server knows %d routes in cluster %q, want 3", len(options.Routes), options.Cluster.Name)
	}
	if reserved := int64(8 << 30); options.JetStreamMaxStore < reserved {
		t.Errorf("the server may keep %d bytes, and the log and the states reserve 4 GiB each", options.JetStreamMaxStore)
	}
}

// clusterSite is nginx's part of deploy/cluster before three nodes.
func clusterSite(t *testing.T, front string, nodes ...string) string {
	t.Helper()
	return example(t, "cluster/nginx.conf", "listen 80;", "listen "+front+";",
		"10.0.0.1:4000", nodes[0], "10.0.0.2:4000", nodes[1], "10.0.0.3:4000", nodes[2])
}

// A node that takes a request and goes may have counted it. A post ends there; a read is
// asked of the others.
func TestAPostThatANodeTookIsNotSentToAnother(t *testing.T) {
	t.Parallel()
	nginx := tool(t, "nginx", "nginx")
	var posts, reads atomic.Int32
	var nodes []string
	for range 3 {
		node := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
			if request.Method == http.MethodPost {
				posts.Add(1)
			} else {
				reads.Add(1)
			}
			panic(http.ErrAbortHandler)
		}))
		defer node.Close()
		nodes = append(nodes, node.Listener.Addr().String())
	}
	front := freeAddress(t)
	startNginx(t, nginx, clusterSite(t, front, nodes...))
	if response, _ := request(t, http.MethodPost, "http://"+front+"/benefits", record, "Content-Type", "application/json"); response.StatusCode != http.StatusBadGateway {
		t.Errorf("the post was answered %s", response.Status)
	}
	if count := posts.Load(); count != 1 {
		t.Errorf("the post came to %d nodes, want 1", count)
	}
	request(t, http.MethodGet, "http://"+front+"/benefits", "")
	if count := reads.Load(); count != 3 {
		t.Errorf("the read came to %d nodes, want 3", count)
	}
}

// A rolling restart: two nodes are not there, and no post is lost.
func TestAPostGoesToANodeThatIsThere(t *testing.T) {
	t.Parallel()
	nginx := tool(t, "nginx", "nginx")
	node := startServer(t, serverCommand(t))
	front := freeAddress(t)
	startNginx(t, nginx, clusterSite(t, front, freeAddress(t), node.Address, freeAddress(t)))
	for range 6 {
		if response, answer := request(t, http.MethodPost, "http://"+front+"/benefits", record, "Content-Type", "application/json"); response.StatusCode != http.StatusOK {
			t.Errorf("the post was answered %s: %s", response.Status, answer)
		}
	}
}

func TestTheUnitsForSeveralNodesAreUnits(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze", "systemd")
	directory := t.TempDir()
	log := write(t, filepath.Join(directory, "nats-server.service"),
		example(t, "cluster/nats-server.service", "/usr/local/bin/nats-server", static.Path(t), "User=nats", "User=root"))
	node := write(t, filepath.Join(directory, "stats-recorder.service"),
		example(t, "stats-recorder.service", "/usr/local/bin/stats-recorder", static.Path(t)))
	if err := os.Mkdir(node+".d", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(node+".d", "several-nodes.conf"), example(t, "cluster/several-nodes.conf"))
	if said := output(t, analyze, "verify", log, node); said != "" {
		t.Errorf("systemd-analyze verify says:\n%s", said)
	}
}

// Three of the log's servers and a node, with the files of deploy/cluster but for addresses
// and directories.
func TestANodeJoinsTheLogThatTheFilesDescribe(t *testing.T) {
	t.Parallel()
	var clients, routes []string
	for range 3 {
		clients, routes = append(clients, freeAddress(t)), append(routes, freeAddress(t))
	}
	for i := range clients {
		directory := t.TempDir()
		options, err := server.ProcessConfigFile(write(t, filepath.Join(directory, "nats-server.conf"), example(t, "cluster/nats-server.conf",
			"server_name: one", "server_name: n"+strconv.Itoa(i), "0.0.0.0:4222", clients[i], "0.0.0.0:6222", routes[i], "/var/lib/nats", directory,
			"10.0.0.1:6222", routes[0], "10.0.0.2:6222", routes[1], "10.0.0.3:6222", routes[2])))
		if err != nil {
			t.Fatal(err)
		}
		options.NoSigs, options.NoLog = true, true
		log, err := server.NewServer(options)
		if err != nil {
			t.Fatal(err)
		}
		go log.Start()
		t.Cleanup(func() { log.Shutdown(); log.WaitForShutdown() })
	}
	dropIn := example(t, "cluster/several-nodes.conf", "10.0.0.1:4222", clients[0], "10.0.0.2:4222", clients[1], "10.0.0.3:4222", clients[2])
	command := serverCommand(t)
	for line := range strings.Lines(dropIn) {
		if variable, found := strings.CutPrefix(strings.TrimSpace(line), "Environment="); found {
			command.Env = append(command.Env, variable)
		}
	}
	node := startServer(t, command)
	if response, answer := request(t, http.MethodPost, node.URL().String()+"/benefits", record, "Content-Type", "application/json"); response.StatusCode != http.StatusOK {
		t.Errorf("the post was answered %s: %s", response.Status, answer)
	}
	harnesstest.Until(t, "the log has what was counted", func() bool {
		_, metrics := request(t, http.MethodGet, "http://"+node.Admin+"/metrics", "")
		return strings.Contains(metrics, "\nstats_recorder_log_appended_frames_total 1\n")
	})
}
