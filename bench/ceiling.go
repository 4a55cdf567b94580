package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/harness"
)

// The ceiling is what HTTP alone costs: a server on the same HTTP library that
// reads the same requests, answers the same bytes, and does nothing else. It is
// a process of its own, so that its processor time is measured like the others'.

// ceilingArgument makes this program the ceiling instead of the harness.
const ceilingArgument = "-serve-ceiling"

// capturedResponse is an answer of a server, to be replayed.
type capturedResponse struct {
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	// Secrets are what to speak TLS with, if that is to be done.
	Secrets *secrets `json:"secrets,omitempty"`
}

// captureResponse sends the next request of a walk to a server and returns the
// answer, so that the ceiling can give the same.
func captureResponse(ctx context.Context, server *httpTarget, way *walk) (*capturedResponse, error) {
	connected, err := dialHTTP(ctx, server.base, way)
	if err != nil {
		return nil, err
	}
	defer connected.close()
	if err := connected.expire(time.Now().Add(patience)); err != nil {
		return nil, fmt.Errorf("send request to replay: %w", err)
	}
	wire, _ := connected.next(1)
	if _, err := connected.connection.Write(wire); err != nil {
		return nil, fmt.Errorf("send request to replay: %w", err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connected.connection), nil)
	if err != nil {
		return nil, fmt.Errorf("read response to replay: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, fmt.Errorf("response to replay: %w", statusError(response))
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read response to replay: %w", err)
	}
	way.sent++
	return &capturedResponse{Status: response.StatusCode, Headers: response.Header, Body: string(body)}, nil
}

// startCeiling starts this program as a ceiling that gives a captured answer.
func startCeiling(ctx context.Context, captured *capturedResponse, encrypted *secrets) (*httpTarget, error) {
	answer := *captured
	answer.Secrets = encrypted
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the ceiling's program: %w", err)
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("encode the ceiling's answer: %w", err)
	}
	command := exec.Command(self, ceilingArgument)
	// The pipe stays open as long as the harness lives, and ends the ceiling
	// with it.
	input, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start ceiling: %w", err)
	}
	go func() { _, _ = input.Write(append(encoded, '\n')) }() // if it fails, the ceiling ends and says so
	server, err := harness.Launch(command)
	if err != nil {
		return nil, fmt.Errorf("start ceiling: %w", err)
	}
	return listen(ctx, server, encrypted)
}

// serveCeiling is the program of the ceiling: it reads its answer from a line of
// input and serves until the context or the input ends.
func serveCeiling(ctx context.Context, input io.Reader, log *slog.Logger) error {
	lines := bufio.NewReader(input)
	var answer capturedResponse
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := newCeilingServer(&answer)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		cancel()
	}()
	context.AfterFunc(ctx, func() { _ = server.Shutdown() }) // Serve returns whatever happens
	log.Info("listening", "address", listener.Addr().String())
	if answer.Secrets != nil {
		if listener, err = answer.Secrets.listen(listener); err != nil {
			return err
		}
	}
	if err := server.Serve(listener); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// newCeilingServer returns a server that sends exactly the headers of the
// captured answer. The headers that describe the connection or the moment are
// left to the library, as they are in the server.
func newCeilingServer(answer *capturedResponse) *fasthttp.Server {
	header := http.Header(answer.Headers)
	server := &fasthttp.Server{
		NoDefaultServerHeader: header.Get("Server") == "",
		NoDefaultDate:         header.Get("Date") == "",
		NoDefaultContentType:  header.Get("Content-Type") == "",
	}
	type field struct{ name, value []byte }
	var fields []field
	for name, values := range header {
		switch strings.ToLower(name) {
		case "date", "content-length", "connection", "transfer-encoding", "keep-alive":
			continue
		}
		fields = append(fields, field{[]byte(name), []byte(strings.Join(values, ", "))})
	}
	body := []byte(answer.Body)
	server.Handler = func(request *fasthttp.RequestCtx) {
		_ = request.PostBody() // read from the connection in full already
		request.SetStatusCode(answer.Status)
		for _, one := range fields {
			request.Response.Header.SetCanonical(one.name, one.value)
		}
		request.Response.SetBodyRaw(body)
	}
	return server
}
