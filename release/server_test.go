package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait: an emulator takes its time.
const patience = time.Minute

// server is a running server.
type server struct {
	command    *exec.Cmd
	url, admin string
	log        *strings.Builder
}

// serve starts a server by a command and waits until it answers.
func serve(t *testing.T, command *exec.Cmd, environment ...string) *server {
	t.Helper()
	address, admin := freeAddress(t), freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	s := &server{command: command, url: "http://" + address, admin: "http://" + admin, log: &strings.Builder{}}
	command.Env = append(environment, "HOST=127.0.0.1", "PORT="+port, "ADMIN_ADDR="+admin)
	command.Stderr, command.WaitDelay = s.log, patience
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	if status, body := s.request(t, http.MethodGet, s.url+"/statistics", ""); status != http.StatusOK {
		t.Fatalf("the first answer is %d %s", status, body)
	}
	return s
}

// stop ends the server, if it still runs, and requires that it ends well.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.command.ProcessState != nil {
		return
	}
	s.command.Process.Signal(syscall.SIGTERM)
	if err := s.command.Wait(); err != nil {
		t.Errorf("the server ends with %v:\n%s", err, s.log)
	}
}

func (s *server) post(t *testing.T) {
	t.Helper()
	const record = `{"benefit_id":"RSA","hash_id":"visitor","benefit_index":1,"page_total":2}`
	if status, body := s.request(t, http.MethodPost, s.url+"/benefits", record); status != http.StatusOK {
		t.Errorf("a post gets %d %s", status, body)
	}
}

func (s *server) expectCount(t *testing.T, want int) {
	t.Helper()
	_, body := s.request(t, http.MethodGet, s.url+"/benefits", "")
	if expected := fmt.Sprintf(`[{"id":"RSA","events":{"show":%d}}]`, want); body != expected {
		t.Errorf("the counts are %s, want %s", body, expected)
	}
}

// request sends a request until somebody answers.
func (s *server) request(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			content, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			return response.StatusCode, string(content)
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody answers: %v\n%s", err, s.log)
		}
	}
}

// freeAddress returns an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
