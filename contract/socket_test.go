package contract

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"stats-recorder/contract/blackbox"
)

// launchOn starts the binary as a service manager does that holds its socket.
func launchOn(t *testing.T, socket *os.File, directory string) *blackbox.Program {
	t.Helper()
	command := blackbox.ProgramCommand(t, []string{"DATA_DIR=" + directory, "PORT=1"}, nil)
	// The process must find its own number in the environment.
	shell := exec.Command("sh", append([]string{"-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, command.Path}, command.Args[1:]...)...)
	shell.Env, shell.Dir = command.Env, command.Dir
	shell.ExtraFiles = []*os.File{socket}
	return blackbox.Launch(t, shell)
}

func TestNobodyIsRefusedWhileAServerRestartsOnAHeldSocket(t *testing.T) {
	t.Parallel()
	const restarts, clients = 5, 8
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	listener.Close() // the file still holds the socket
	directory := t.TempDir()

	stop := make(chan struct{})
	sent := make([]int, clients)
	var sending sync.WaitGroup
	for i := range clients {
		sending.Go(func() {
			// Each request has a connection of its own: one that is kept may be closed
			// by the server in the moment in which it is used again.
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: blackbox.Patience}
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := client.Post("http://"+listener.Addr().String()+"/benefits", "application/json", strings.NewReader(blackbox.RecordOf("held")))
				if err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("after %d good answers: %v, %v", sent[i], response, err)
					return
				}
				response.Body.Close()
				sent[i]++
			}
		})
	}
	for range restarts {
		p := launchOn(t, socket, directory)
		if got := p.Await(t, "listening").Text(t, "address"); got != listener.Addr().String() {
			t.Errorf("the log says %q, want %q", got, listener.Addr())
		}
		p.ReachAt(listener.Addr().String())
		p.Get(t, "/statistics").ExpectStatus(t, http.StatusOK)
		p.Terminate(t)
	}
	last := launchOn(t, socket, directory)
	last.ReachAt(listener.Addr().String())
	close(stop)
	sending.Wait()
	sum := 0
	for _, count := range sent {
		sum += count
	}
	if sum == 0 {
		t.Error("nothing was recorded")
	}
	last.ExpectTotal(t, "held", sum)
	last.Terminate(t)
}
