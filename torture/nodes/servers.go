package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"stats-recorder/harness"
)

// natsServer is the program of the log's servers, of the version in go.mod.
const natsServer = "github.com/nats-io/nats-server/v2"

// buildServer builds the log's server into a directory.
func buildServer(ctx context.Context, directory string) (program string, err error) {
	program = filepath.Join(directory, "nats-server")
	output, err := exec.CommandContext(ctx, "go", "build", "-o", program, natsServer).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", natsServer, err, output)
	}
	return program, nil
}

// servers are the processes of the log.
type servers struct {
	program, directory string
	clients, routes    []string
	running            []*harness.Process
}

func newServers(program, directory string, count int) (*servers, error) {
	s := &servers{program: program, directory: directory, running: make([]*harness.Process, count)}
	for range count {
		client, err := harness.FreeAddress()
		if err != nil {
			return nil, err
		}
		route, err := harness.FreeAddress()
		if err != nil {
			return nil, err
		}
		s.clients, s.routes = append(s.clients, client), append(s.routes, route)
	}
	for i := range s.running {
		if err := s.start(i); err != nil {
			return nil, errors.Join(err, s.kill())
		}
	}
	return s, nil
}

// start starts a server that does not run.
func (s *servers) start(i int) (err error) {
	name := fmt.Sprint("n", i+1)
	config := fmt.Sprintf("server_name: %s\nlisten: %s\njetstream { store_dir: %q, max_file_store: 20GB, sync_interval: always }\n"+
		"cluster { name: recorders, listen: %s, routes: [nats://%s] }\n",
		name, s.clients[i], filepath.Join(s.directory, name), s.routes[i], strings.Join(s.routes, ", nats://"))
	path := filepath.Join(s.directory, name+".conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return err
	}
	if s.running[i], err = harness.Start(exec.Command(s.program, "-c", path)); err != nil {
		return err
	}
	if !harness.Until(func() bool { return answers(s.clients[i]) }) {
		return fmt.Errorf("%s does not take connections; it wrote:\n%s", name, s.running[i].Log.Tail())
	}
	return nil
}

func answers(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err == nil {
		err = connection.Close()
	}
	return err == nil
}

// urls is LOG_URL.
func (s *servers) urls() string { return strings.Join(s.clients, ",") }

func (s *servers) kill() (err error) {
	for _, process := range s.running {
		if process != nil {
			err = errors.Join(err, process.Kill())
		}
	}
	return err
}
