package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// logServer is the program of the servers of the log that nodes share, of the version in
// go.mod.
const logServer = "github.com/nats-io/nats-server/v2"

// BuildLogServer builds it into a directory, which must exist, and returns its path. It must
// be called inside the server's module.
func BuildLogServer(ctx context.Context, directory string) (program string, err error) {
	program = filepath.Join(directory, "nats-server")
	output, err := exec.CommandContext(ctx, "go", "build", "-o", program, logServer).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", logServer, err, output)
	}
	return program, nil
}

// A LogServer is what one server of a log must know.
type LogServer struct {
	// Name is one that no other server of the log has.
	Name string
	// Clients is the address for nodes, and Route that for the other servers, host:port.
	Clients, Route string
	// Routes are those of all servers.
	Routes []string
	// Store is its directory.
	Store string
}

// Write writes its configuration into a file, as deploy/cluster has it.
func (s LogServer) Write(path string) error {
	config := fmt.Sprintf("server_name: %s\nlisten: %s\njetstream { store_dir: %q, max_file_store: 20GB, sync_interval: always }\n"+
		"cluster { name: recorders, listen: %s, routes: [nats://%s] }\n",
		s.Name, s.Clients, s.Store, s.Route, strings.Join(s.Routes, ", nats://"))
	return os.WriteFile(path, []byte(config), 0o600)
}
