package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
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

func TestNginxTakesTheConfigurationForSeveralNodes(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("needs nginx")
	}
	site, err := filepath.Abs("cluster/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	whole := "pid " + directory + "/nginx.pid; error_log stderr; events {} http { access_log off; include " + site + "; }"
	path := filepath.Join(directory, "whole.conf")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(nginx, "-t", "-p", directory, "-c", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestThePostOfAClientIsNotSentToASecondNode(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("cluster/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(content), "non_idempotent") {
		t.Error("nginx may send a post to another node that the first has counted")
	}
}
