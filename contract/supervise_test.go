package contract

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

// listenAsManager listens where a service manager listens for what its
// services say.
func listenAsManager(t *testing.T) (socket *net.UnixConn, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket, path
}

// hear returns the next thing that a service says, or nothing after a time.
func hear(t *testing.T, socket *net.UnixConn, within time.Duration) string {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1<<10)
	n, err := socket.Read(buffer)
	if err != nil {
		return ""
	}
	return string(buffer[:n])
}

func TestTheServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	socket, path := listenAsManager(t)
	p := blackbox.StartProgram(t, t.TempDir(), []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=150000"})
	if said := hear(t, socket, blackbox.Patience); said != "READY=1" {
		t.Fatalf("first it says %q", said)
	}
	for range 3 {
		if said := hear(t, socket, blackbox.Patience); said != "WATCHDOG=1" {
			t.Errorf("then it says %q", said)
		}
	}
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Terminate(t)
	said := "WATCHDOG=1"
	for said == "WATCHDOG=1" {
		said = hear(t, socket, blackbox.Patience)
	}
	if said != "STOPPING=1" {
		t.Errorf("at its end it says %q", said)
	}
}

// TestAServerThatIsRefusedItsDataIsNeverReady starts one on a directory that
// another one has.
func TestAServerThatIsRefusedItsDataIsNeverReady(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	blackbox.StartProgram(t, directory, nil)
	socket, path := listenAsManager(t)
	blackbox.Run(t, []string{"NOTIFY_SOCKET=" + path, "DATA_DIR=" + directory}).ExpectRefusal(t, directory)
	if said := hear(t, socket, 10*time.Millisecond); said != "" {
		t.Errorf("it says %q", said)
	}
}

// TestNothingThatIdentifiesAnyoneIsLogged sends visitors' ids in every way that
// goes wrong, and requires that the log, with everything in it, has none, nor
// the clients' addresses.
func TestNothingThatIdentifiesAnyoneIsLogged(t *testing.T) {
	t.Parallel()
	const visitor = "visitor-4711"
	p := blackbox.StartProgram(t, t.TempDir(), []string{"LOG_LEVEL=debug", "ACCESS_LOG=true", "SNAPSHOT_INTERVAL=10ms"})
	hash := blackbox.Quote(visitor)
	p.Created(t, blackbox.Record(blackbox.Fields{"hash_id": hash}))
	p.Post(t, blackbox.Array(blackbox.Record(blackbox.Fields{"hash_id": hash, "page_total": "0"}), blackbox.Record(blackbox.Fields{"hash_id": hash, "page_total": "-1"}),
		blackbox.Record(blackbox.Fields{"hash_id": hash, "event_type": hash}))).ExpectStatus(t, 422)
	p.Post(t, `{"hash_id":`+hash+`,`).ExpectStatus(t, 422)
	p.Get(t, "/"+visitor+"?hash_id="+visitor).ExpectStatus(t, 404)
	p.Get(t, "/benefits?start_at="+visitor).ExpectStatus(t, 422)
	var clients []string
	for _, sent := range []string{
		"POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Length: zero\r\n\r\n" + visitor,
		visitor + "\r\n\r\n",
		"GET /benefits HTTP/1.1\r\nHost: x\r\nX-Visitor: " + strings.Repeat(visitor, 10_000) + "\r\n\r\n",
		"POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + visitor,
	} {
		clients = append(clients, sendAndHangUp(t, p.Address, sent))
	}
	p.Get(t, "/statistics").ExpectStatus(t, 200)
	p.Terminate(t)
	log := p.Log.String()
	for _, secret := range append(clients, visitor) {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
	expectLogged(t, p, blackbox.LogLine{"msg": "request", "method": "POST", "path": "/benefits", "status": 422.0})
	expectLogged(t, p, blackbox.LogLine{"msg": "request", "method": "GET", "path": "unknown", "status": 404.0})
	expectLogged(t, p, blackbox.LogLine{"msg": "rejected records", "field": "page_total", "reason": "not in range", "records": 2.0})
	expectLogged(t, p, blackbox.LogLine{"msg": "rejected records", "field": "event_type", "reason": "unknown", "records": 1.0})
}

func TestWhatThereIsNoRoomForIsSummedUpInTheLog(t *testing.T) {
	t.Parallel()
	p := blackbox.StartProgram(t, t.TempDir(), []string{"MAX_BENEFITS=1"})
	p.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.RecordOf("APL"), blackbox.RecordOf("AAH"), blackbox.RecordOf("RSA")))
	p.Terminate(t)
	expectLogged(t, p, blackbox.LogLine{"level": "WARN", "records": 2.0,
		"msg": "records count under __other__: MAX_BENEFITS or MAX_COUNTERS is reached"})
}

// sendAndHangUp sends bytes on a connection of its own, reads what comes, and
// returns its address.
func sendAndHangUp(t *testing.T, address, text string) string {
	t.Helper()
	connection, err := net.DialTimeout("tcp", address, blackbox.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.Write([]byte(text)) // the server may refuse it half-way
	connection.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	connection.Read(make([]byte, 1<<10))
	return connection.LocalAddr().String()
}

// expectLogged requires exactly one line with these attributes.
func expectLogged(t *testing.T, p *blackbox.Program, want blackbox.LogLine) {
	t.Helper()
	lines := blackbox.Logged(p.Process)
	found := 0
	for _, line := range lines {
		same := true
		for name, value := range want {
			same = same && line[name] == value
		}
		if same {
			found++
		}
	}
	if found == 0 || (want["msg"] == "rejected records" && found > 1) {
		t.Errorf("the log has %d lines like %v:\n%s", found, want, p.Log)
	}
}

func TestThereIsNoAccessLogUnlessAsked(t *testing.T) {
	t.Parallel()
	p := blackbox.StartProgram(t, t.TempDir(), []string{"LOG_LEVEL=debug"})
	p.Created(t, blackbox.RecordOf("RSA"))
	p.Terminate(t)
	if strings.Contains(p.Log.String(), `"msg":"request"`) {
		t.Errorf("the log has requests:\n%s", p.Log)
	}
}

// TestADiskThatTakesNothingMakesTheServerUnready fills the file size that the
// process may write.
func TestADiskThatTakesNothingMakesTheServerUnready(t *testing.T) {
	t.Parallel()
	p, admin := startOperated(t, "SNAPSHOT_INTERVAL=1h")
	limitFileSize(t, p.ID(), 16)
	response, err := p.Client.Post(p.URL+"/benefits", "application/json", strings.NewReader(blackbox.RecordOf("RSA")))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("a post gets %d %v", response.StatusCode, response.Header)
	}
	if status, body := fetch(t, admin+"/readyz"); status != 503 || !strings.Contains(body, "disk") {
		t.Errorf("/readyz answers %d %q", status, body)
	}
	if status, body := fetch(t, admin+"/healthz"); status != 200 {
		t.Errorf("/healthz answers %d %q", status, body)
	}
	if values := scrape(t, admin); values["stats_recorder_ready"] != 0 || values["stats_recorder_commits_refused_total"] < 1 {
		t.Errorf("ready is %v, refused commits are %v", values["stats_recorder_ready"], values["stats_recorder_commits_refused_total"])
	}
	limitFileSize(t, p.ID(), 1<<40)
	p.Created(t, blackbox.RecordOf("RSA"))
	if status, body := fetch(t, admin+"/readyz"); status != 200 {
		t.Errorf("/readyz answers %d %q once the disk takes records again", status, body)
	}
	p.End(t, syscall.SIGTERM)
}
