package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"stats-recorder/harness"
)

// node is a recorder.
type node struct {
	site     site
	settings harness.Settings
	url      string
	// mu is held while the server is started or ended.
	mu     sync.Mutex
	server *harness.Server
}

// newNode is a recorder that does not run yet.
func newNode(recorder, directory string, net *network, number int, urls string, environment []string) (*node, error) {
	at, err := net.add()
	if err != nil {
		return nil, err
	}
	address, err := at.free()
	if err != nil {
		return nil, err
	}
	n := &node{site: at, url: "http://" + address, settings: harness.Settings{
		Program: recorder, Data: filepath.Join(directory, fmt.Sprint("data", number)), Inherited: os.Environ(), Tracer: at.enter(),
		Environment: append([]string{"HOST=" + at.host, "PORT=" + portOf(address), "ADMIN_ADDR=" + at.host + ":0",
			"SNAPSHOT_INTERVAL=1s", "LOG_URL=" + urls}, environment...),
	}}
	return n, nil
}

func (n *node) start() (err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, err = n.settings.Start()
	return err
}

func (n *node) kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil
	}
	return n.server.Kill()
}

func (n *node) stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server.Stop()
}

// program runs a command of the recorder's program on the node's directory, and returns
// what it printed.
func (n *node) program(words ...string) (string, error) {
	output, err := n.command(words...).Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w", words, err)
	}
	return string(output), nil
}

func (n *node) command(words ...string) *exec.Cmd {
	command := n.site.command(append([]string{n.settings.Program}, words...)...)
	command.Env = append(n.settings.Command().Env, "LOG_LEVEL=warn")
	return command
}

// figure is one of the node's metrics.
func (n *node) figure(client *http.Client, name string) (value float64, err error) {
	response, err := client.Get("http://" + n.server.Admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), "\n"+name+" ")
	if !found {
		return 0, fmt.Errorf("no metric %s", name)
	}
	_, err = fmt.Sscan(after, &value)
	return value, err
}
