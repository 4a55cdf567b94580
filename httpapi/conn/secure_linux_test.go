package conn

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tapped is a client's socket below TLS.
type tapped struct {
	net.Conn
	piece    int           // what is sent at a time; 0 for all
	held     *bytes.Buffer // keeps what is sent, if it is there
	received bytes.Buffer
}

func (c *tapped) Write(b []byte) (int, error) {
	if c.held != nil {
		return c.held.Write(b)
	}
	for sent := 0; sent < len(b); {
		n := len(b) - sent
		if c.piece > 0 {
			n = min(n, c.piece)
		}
		if _, err := c.Conn.Write(b[sent : sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return len(b), nil
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received.Write(b[:n])
	return n, err
}

// tap connects a client and has it shake hands, in pieces of so many bytes if not 0.
func (d *desk) tap(t *testing.T, piece int, changes ...func(*tls.Config)) (*tapped, *tls.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	below := &tapped{Conn: conn, piece: piece}
	secure := shakeHands(t, below, changes...)
	return below, secure, bufio.NewReader(secure)
}

func until(version uint16) func(*tls.Config) {
	return func(c *tls.Config) { c.MaxVersion = version }
}

var versions = map[string]func(*tls.Config){"TLS 1.2": until(tls.VersionTLS12), "TLS 1.3": until(tls.VersionTLS13)}

// TestALoopTakesRecordsHoweverTheyCome has every byte come by itself, and requests of many
// records come at once.
func TestALoopTakesRecordsHoweverTheyCome(t *testing.T) {
	t.Parallel()
	whole := postHead + "Content-Length: 100000\r\n\r\n[" + strings.Repeat(" ", 99998) + "]"
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, withTLS)
			_, drips, reader := d.tap(t, 1, version)
			for range 3 {
				ask(t, drips, reader, emptyPost+getNothing, 200)
				told(t, reader, 404)
			}
			for _, piece := range []int{0, 7, 1000, 16405, 20000} {
				_, conn, reader := d.tap(t, piece, version)
				for range 2 {
					ask(t, conn, reader, emptyPost+whole+getNothing+emptyPost, 200)
					for _, status := range []int{200, 404, 200} {
						told(t, reader, status)
					}
				}
			}
			if looped, left := d.looped.Load(), d.left.Load(); looped != 6 || left != 0 {
				t.Errorf("%d connections began in a loop, of which %d left; want 6 and 0", looped, left)
			}
		})
	}
}

func TestAHandlerKnowsThatALoopsClientSpeaksTLS(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		var want bool
		d := open(t, way, func(c *Config) {
			want = c.TLS != nil
			c.Handler = func(x *Exchange) {
				if x.IsTLS() != want {
					x.Response.SetStatusCode(http.StatusConflict)
				}
			}
		})
		conn, reader := d.dial(t)
		for _, request := range []string{emptyPost, getNothing} {
			ask(t, conn, reader, request, http.StatusOK)
		}
	})
}

// TestWhatATLSClientDoesNotSendInTimeEndsTheConnection has the time be over when what is
// sent has come.
func TestWhatATLSClientDoesNotSendInTimeEndsTheConnection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, sent string
		then       phase
		answered   string // statuses
	}{
		{"nothing at all", "", fresh, "408"},
		{"a part of a header", "POST /ben", receiving, "408"},
		{"a part of a body", postHead + "Content-Length: 9\r\n\r\n[", receiving, "408"},
		{"no second request", emptyPost, idle, "200"},
		{"a part of a second body", emptyPost + postHead + "Content-Length: 9\r\n\r\n[", receiving, "200 408"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, withTLS)
			_, conn, reader := d.tap(t, 0)
			eventually(t, "hands are shaken", func() bool {
				return len(d.places.those(func(at state) bool { return at.phase() == fresh })) == 1
			})
			send(t, conn, test.sent)
			handled := int64(strings.Count(test.answered, "200"))
			eventually(t, "it has come, and its time is over", func() bool {
				for c, since := range d.places.those(func(at state) bool { return at.phase() == test.then }) {
					return d.handled.Load() == handled && c.timeOut(since)
				}
				return false
			})
			all, err := io.ReadAll(reader)
			if err != nil {
				t.Errorf("the connection is not closed: %v", err)
			}
			var statuses []string
			for _, part := range strings.Split(string(all), "HTTP/1.1 ")[1:] {
				statuses = append(statuses, part[:3])
			}
			if got := strings.Join(statuses, " "); got != test.answered {
				t.Errorf("statuses %s, want %s", got, test.answered)
			}
		})
	}
}

// TestAServerSaysThatItEndsAConnection looks for the alert in the last record, of which the
// kind is to be seen in TLS 1.2.
func TestAServerSaysThatItEndsAConnection(t *testing.T) {
	t.Parallel()
	const alert, overhead = 21, 26 // of AES-GCM, and what a record with an alert takes beside
	for name, request := range map[string]string{
		"in a loop":     postHead + "Connection: close\r\nContent-Length: 2\r\n\r\n[]",
		"at its end":    emptyPost,
		"after leaving": postHead + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, withTLS)
			below, conn, reader := d.tap(t, 0, until(tls.VersionTLS12))
			ask(t, conn, reader, request, http.StatusOK)
			if request == emptyPost {
				if err := conn.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			expectEnd(t, reader)
			all := below.received.Bytes()
			if last := all[max(0, len(all)-5-overhead):]; len(last) == 0 || last[0] != alert {
				t.Errorf("the last record is not an alert: %x", last)
			}
		})
	}
}

// goneHandshakes waits until no handshake is under way.
func goneHandshakes(t *testing.T) {
	t.Helper()
	eventually(t, "no handshake goes on", func() bool {
		stacks := make([]byte, 1<<20)
		return !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*handshake).run"))
	})
}

// TestAHandshakeThatComesToNothingEndsTheConnection is not parallel: no other test has
// handshakes meanwhile.
func TestAHandshakeThatComesToNothingEndsTheConnection(t *testing.T) {
	hello := clientHello(t)
	for name, sent := range map[string][]byte{
		"nothing": nil, "a part of a record": hello[:3], "a part of a hello": hello[:len(hello)/2], "no more than a hello": hello,
		"plain HTTP": []byte(emptyPost), "a hello twice": append(bytes.Clone(hello), hello...),
		"a record that is too large": []byte("\x16\x03\x01\xff\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, withTLS, within(300*time.Millisecond, 0, 0))
			conn, err := net.Dial("tcp", d.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			send(t, conn, string(sent))
			expectEnd(t, bufio.NewReader(conn))
			eventually(t, "its place is free", func() bool { return d.places.count() == 0 })
			goneHandshakes(t)
			if handled := d.handled.Load(); handled != 0 {
				t.Errorf("%d requests are answered", handled)
			}
		})
	}
}

// TestAHandshakeTakesNoMoreOfAClientThanItNeeds announces a hello that crypto/tls would take.
func TestAHandshakeTakesNoMoreOfAClientThanItNeeds(t *testing.T) {
	t.Parallel()
	const hello, record = "\x01\x00\xea\x60", "\x16\x03\x01\x20\x00" // of 60,000 bytes, in records of 8 KB
	d := open(t, withTLS)
	conn, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	sent := record + hello + strings.Repeat("\x00", 8<<10-len(hello)) + strings.Repeat(record+strings.Repeat("\x00", 8<<10), 4)
	send(t, conn, sent[:handshakeBytes+1])
	expectEnd(t, bufio.NewReader(conn))
	eventually(t, "its place is free", func() bool { return d.places.count() == 0 })
}

// TestHandshakesAreShakenInTurn has all turns be taken, and then many clients that have theirs
// and do not go on.
func TestHandshakesAreShakenInTurn(t *testing.T) {
	t.Parallel()
	d := open(t, withTLS)
	conn, reader := d.seasoned(t)
	for range cap(d.loops.turns) {
		d.loops.turns <- struct{}{}
	}
	hello, begun := string(clientHello(t)), make([]net.Conn, 4*cap(d.loops.turns))
	for i := range begun {
		half, err := net.Dial("tcp", d.address)
		if err != nil {
			t.Fatal(err)
		}
		defer half.Close()
		half.SetDeadline(time.Now().Add(patience))
		send(t, half, hello)
		begun[i] = half
	}
	eventually(t, "all have come", func() bool {
		return len(d.places.those(func(at state) bool { return at.phase() == receiving })) == len(begun)
	})
	for range 100 { // a loop waits for no turn
		ask(t, conn, reader, emptyPost, http.StatusOK)
	}
	for _, half := range begun {
		if come(t, half) > 0 {
			t.Error("a hello is answered out of turn")
		}
	}
	for range cap(d.loops.turns) {
		<-d.loops.turns
	}
	for _, half := range begun {
		if _, err := half.Read(make([]byte, 1)); err != nil {
			t.Errorf("a hello is not answered: %v", err)
		}
	}
	other, takes := d.dial(t) // those who wait for their clients have no turn
	ask(t, other, takes, emptyPost, http.StatusOK)
}

// come is how many bytes have come for a client.
func come(t *testing.T, conn net.Conn) (bytes int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { bytes, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) }); err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestAClientThatWasShakenHandsWithDoesNotHoldUpAStop has one be passed by that is as good as
// fresh, as one is that has only changed its keys.
func TestAClientThatWasShakenHandsWithDoesNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	d := open(t, withTLS)
	_, reader := d.dial(t)
	eventually(t, "hands are shaken", func() bool {
		for c := range d.places.those(func(at state) bool { return at.phase() == fresh }) {
			c.move(fresh, idle)
			return true
		}
		return false
	})
	if err := d.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	expectEnd(t, reader)
}

// clientHello is what a client sends first.
func clientHello(t *testing.T) []byte {
	t.Helper()
	below := &tapped{Conn: ended{}, held: new(bytes.Buffer)}
	if err := tls.Client(below, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Fatal("nobody shakes hands, and it ends well")
	}
	return below.held.Bytes()
}

// ended is a connection on which nothing comes.
type ended struct{ net.Conn }

func (ended) Read([]byte) (int, error) { return 0, io.EOF }

func TestARecordThatIsNotTheClientsEndsTheConnection(t *testing.T) {
	t.Parallel()
	d := open(t, withTLS)
	below, conn, reader := d.tap(t, 0)
	ask(t, conn, reader, emptyPost, http.StatusOK)
	below.held = new(bytes.Buffer)
	send(t, conn, emptyPost)
	forged := below.held.Bytes()
	forged[len(forged)-1] ^= 1
	if _, err := below.Conn.Write(forged); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); err == nil {
		t.Error("a forged request is answered")
	}
	eventually(t, "its place is free", func() bool { return d.places.count() == 0 })
	if handled := d.handled.Load(); handled != 1 {
		t.Errorf("%d requests are answered, want 1", handled)
	}
}

// TestARequestWhoseRecordIsOnItsWayAtAStopIsAnswered stops a server that has a part of a record.
func TestARequestWhoseRecordIsOnItsWayAtAStopIsAnswered(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"a part of its head": 3, "a part of a record": 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, withTLS)
			d.lastWait = time.Millisecond
			below, conn, reader := d.tap(t, 0)
			ask(t, conn, reader, emptyPost, http.StatusOK)
			below.held = new(bytes.Buffer)
			send(t, conn, emptyPost)
			record := below.held.Bytes()
			send(t, below.Conn, string(record[:size]))
			eventually(t, "the part has come", func() bool {
				return len(d.places.those(func(at state) bool { return at.phase() == receiving })) == 1
			})
			stopped := make(chan error, 1)
			go func() { stopped <- d.Shutdown(context.Background()) }()
			eventually(t, "the server stops", d.isDraining)
			send(t, below.Conn, string(record[size:]))
			if response := told(t, reader, http.StatusOK); !response.Close {
				t.Error("the answer does not say that it is the last one")
			}
			expectEnd(t, reader)
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAStopEndsHandshakes stops a server while hands are shaken: what comes with the end of
// them is answered, and one that does not end is given up when the stop's time is over.
func TestAStopEndsHandshakes(t *testing.T) {
	t.Parallel()
	d := open(t, withTLS)
	d.lastWait = time.Millisecond
	var below []*tapped
	for range 2 {
		conn, err := net.Dial("tcp", d.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		below = append(below, &tapped{Conn: conn})
		send(t, conn, "\x16")
	}
	eventually(t, "both have begun", func() bool {
		return len(d.places.those(func(at state) bool { return at.phase() == receiving })) == 2
	})
	stop, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- d.Shutdown(stop) }()
	eventually(t, "the server stops", d.isDraining)
	first := &rest{tapped: below[0], skip: 1}
	secure := shakeHands(t, first)
	eventually(t, "it has ended", func() bool { return d.places.count() == 1 })
	expectEnd(t, bufio.NewReader(secure))
	cancel()
	if err := <-stopped; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expectEnd(t, bufio.NewReader(below[1]))
	if left := d.places.count(); left != 0 {
		t.Errorf("%d connections are left", left)
	}
}

// rest is a socket of which the first bytes were sent before.
type rest struct {
	*tapped
	skip int
}

func (c *rest) Write(b []byte) (int, error) {
	skipped := min(c.skip, len(b))
	c.skip -= skipped
	n, err := c.tapped.Write(b[skipped:])
	return n + skipped, err
}
