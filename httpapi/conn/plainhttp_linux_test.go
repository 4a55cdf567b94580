package conn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestAClientThatSpeaksNoTLSIsTold(t *testing.T) {
	t.Parallel()
	d := open(t, withTLS)
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
		postHead + "Content-Length: 20000\r\n\r\n" + strings.Repeat("x", 20000), // more than is read for a handshake
	} {
		conn, err := net.Dial("tcp", d.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if want := "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"; string(answer) != want || err != nil {
			t.Errorf("%.5q is answered by %q (%v)", request, answer, err)
		}
	}
}

func TestAClientThatHasSpokenTLSIsToldNothingInPlain(t *testing.T) {
	t.Parallel()
	d := open(t, withTLS)
	conn, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	hello := new(helloOnly)
	if tls.Client(hello, &tls.Config{InsecureSkipVerify: true}).Handshake() == nil {
		t.Fatal("hands are shaken with nobody")
	}
	send(t, conn, hello.sent.String()+getNothing)
	answer, err := io.ReadAll(conn)
	if err != nil || len(answer) == 0 || bytes.Contains(answer, []byte("HTTP/")) {
		t.Errorf("a request within a handshake is answered by %q (%v)", answer, err)
	}
}

// helloOnly is a connection to nobody, which keeps what is sent.
type helloOnly struct {
	net.Conn
	sent bytes.Buffer
}

func (h *helloOnly) Write(b []byte) (int, error) { return h.sent.Write(b) }
func (*helloOnly) Read([]byte) (int, error)      { return 0, io.EOF }
