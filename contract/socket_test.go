package contract

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stats-recorder/contract/blackbox"
)

// launchOn starts the binary as a service manager does that holds its socket.
func launchOn(t *testing.T, socket *os.File, directory string, environment ...string) *blackbox.Program {
	t.Helper()
	command := blackbox.ProgramCommand(t, append([]string{"DATA_DIR=" + directory, "PORT=1"}, environment...), nil)
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

// TestBehindAUnixSocketClientsAreToldApart has a proxy hand requests on by a unix
// socket, whose other end has no address.
func TestBehindAUnixSocketClientsAreToldApart(t *testing.T) {
	t.Parallel()
	for proxies, want := range map[string]int{"unix": http.StatusOK, "127.0.0.1": http.StatusTooManyRequests, "": http.StatusTooManyRequests} {
		path := filepath.Join(t.TempDir(), "socket")
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		listener.SetUnlinkOnClose(false)
		socket, err := listener.File()
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		listener.Close()
		p := launchOn(t, socket, t.TempDir(), "RATE_LIMIT=1", "RATE_BURST=2", "TRUSTED_PROXIES="+proxies)
		p.Await(t, "listening")
		client := http.Client{Timeout: blackbox.Patience, Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		}}
		last := 0
		for _, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"} {
			request, err := http.NewRequest(http.MethodPost, "http://unix/benefits", strings.NewReader(blackbox.Times(2, blackbox.RecordOf("RSA"))))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("X-Forwarded-For", address)
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			last = response.StatusCode
		}
		if last != want {
			t.Errorf("TRUSTED_PROXIES=%s: the fourth client gets %d, want %d", proxies, last, want)
		}
	}
}

// TestASocketThatTakesNoConnectionsIsRefusedInWords has what systemd hands over for
// ListenDatagram= and for Accept=yes.
func TestASocketThatTakesNoConnectionsIsRefusedInWords(t *testing.T) {
	t.Parallel()
	datagram, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer datagram.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connected, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	for name, holder := range map[string]interface{ File() (*os.File, error) }{
		"a datagram": datagram.(*net.UDPConn), "a connection": connected.(*net.TCPConn),
	} {
		socket, err := holder.File()
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		p := launchOn(t, socket, t.TempDir())
		ending, err := p.Wait()
		if said := p.Log.String(); err != nil || ending.Status != 1 || !strings.Contains(said, "ListenStream= and Accept=no") {
			t.Errorf("%s: it ends with %v, %v and says %q", name, ending, err, said)
		}
	}
}
