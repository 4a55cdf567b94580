package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stats-recorder/harness"
)

// servers are the processes of the log.
type servers struct {
	program, directory string
	sites              []site
	clients, routes    []string
	running            []*harness.Process
	// small says that the last server has its files on a file system that a fault may fill.
	small bool
}

// smallDisk is of the last server, in bytes. It has room for what the log keeps.
const smallDisk = "1g"

func newServers(program, directory string, net *network, count int) (*servers, error) {
	s := &servers{program: program, directory: directory, running: make([]*harness.Process, count), small: net.isOwn}
	for range count {
		at, err := net.add()
		if err != nil {
			return nil, err
		}
		client, err := at.free()
		if err != nil {
			return nil, err
		}
		route, err := harness.FreeAddress()
		if err != nil {
			return nil, err
		}
		s.sites, s.clients, s.routes = append(s.sites, at), append(s.clients, client), append(s.routes, at.host+":"+portOf(route))
	}
	if s.small {
		last := s.store(count - 1)
		if err := runAll("mkdir -p "+last, "mount -t tmpfs -o size="+smallDisk+" log "+last); err != nil {
			return nil, err
		}
	}
	for i := range s.running {
		if err := s.start(i); err != nil {
			return nil, errors.Join(err, s.kill())
		}
	}
	return s, nil
}

func (s *servers) name(i int) string  { return fmt.Sprint("n", i+1) }
func (s *servers) store(i int) string { return filepath.Join(s.directory, s.name(i)) }

// start starts a server that does not run.
func (s *servers) start(i int) (err error) {
	path := filepath.Join(s.directory, s.name(i)+".conf")
	config := harness.LogServer{Name: s.name(i), Clients: s.clients[i], Store: s.store(i), Route: s.routes[i], Routes: s.routes}
	if err := config.Write(path); err != nil {
		return err
	}
	if s.running[i], err = harness.Start(s.sites[i].command(s.program, "-c", path)); err != nil {
		return err
	}
	if !harness.Until(func() bool { return answers(s.clients[i]) }) {
		return fmt.Errorf("%s does not take connections; it wrote:\n%s", s.name(i), s.running[i].Log.Tail())
	}
	return nil
}

// lose removes the files of a server that does not run.
func (s *servers) lose(i int) error {
	entries, err := os.ReadDir(s.store(i)) // not the directory, which may be a mount point
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.store(i), entry.Name())))
	}
	return err
}

func answers(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		err = connection.Close()
	}
	return err == nil
}

// urls is LOG_URL.
func (s *servers) urls() string { return strings.Join(s.clients, ",") }

// others are the sites of all servers but one.
func (s *servers) others(i int) (others []site) {
	for j, at := range s.sites {
		if j != i {
			others = append(others, at)
		}
	}
	return others
}

func (s *servers) kill() (err error) {
	for _, process := range s.running {
		if process != nil {
			err = errors.Join(err, process.Kill())
		}
	}
	return err
}
