package harness

import (
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
)

// ErrNoAddress means that a process said that it listens, and not where.
var ErrNoAddress = errors.New("no address in its log")

// Settings say how to run the server's program: on free ports of the loopback
// interface, without an admin address, unless Environment says otherwise.
type Settings struct {
	// Program is the path of the server's program.
	Program string
	// Arguments are those of the program.
	Arguments []string
	// Data is DATA_DIR; where it is empty, the program has its default.
	Data string
	// Inherited is the environment to begin with, such as os.Environ(). It has no say
	// in the addresses and in Data.
	Inherited []string
	// Environment is added last, "NAME=value".
	Environment []string
	// Tracer is a command that runs the command after it, and gives that its own
	// process.
	Tracer []string
}

// Command returns the command to start, for those who have more to say about it.
func (s Settings) Command() *exec.Cmd {
	words := slices.Concat(s.Tracer, []string{s.Program}, s.Arguments)
	command := exec.Command(words[0], words[1:]...)
	command.Env = slices.Concat(s.Inherited, []string{"HOST=127.0.0.1", "PORT=0", "ADMIN_ADDR=off"})
	if s.Data != "" {
		command.Env = append(command.Env, "DATA_DIR="+s.Data)
	}
	command.Env = append(command.Env, s.Environment...)
	return command
}

// Launch starts the server and does not wait until it listens.
func (s Settings) Launch() (*Server, error) { return Launch(s.Command()) }

// Start starts the server and waits until it listens. One that does not is killed.
func (s Settings) Start() (*Server, error) {
	server, err := s.Launch()
	if err != nil {
		return nil, err
	}
	if err := server.Listen(); err != nil {
		return nil, errors.Join(err, server.Kill())
	}
	return server, nil
}

// Server is a process that logs where it listens.
type Server struct {
	*Process
	// Address is host:port for clients, once Listen has returned.
	Address string
	// Admin is host:port for the operator, empty if there is none.
	Admin string
}

// Launch starts a command that will listen, and does not wait until it does.
func Launch(command *exec.Cmd) (*Server, error) {
	process, err := Start(command)
	if err != nil {
		return nil, err
	}
	return &Server{Process: process}, nil
}

// Listen waits until the server listens. It must not be called by two goroutines.
func (s *Server) Listen() error {
	line, err := s.Log.Await(listening(), 0)
	if err != nil {
		return err
	}
	s.Address, s.Admin = line.Attribute("address"), line.Attribute("admin")
	if s.Address == "" {
		return fmt.Errorf("%w: %s", ErrNoAddress, line.Text)
	}
	return nil
}

// URL is the base of what clients ask for, once Listen has returned.
func (s *Server) URL() *url.URL { return &url.URL{Scheme: "http", Host: s.Address} }

// listening matches the line that says where a server listens.
func listening() Match {
	return Match{"the address that it listens at", func(line Line) bool { return line.Attribute("msg") == "listening" }}
}
