package httpapi

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"stats-recorder/counters"
)

// instant records nothing, at once: who waits for its tickets need not.
type instant struct{ settled *counters.Ticket }

func newInstant() instant {
	i := instant{counters.NewTicket(nil)}
	i.settled.Settle(nil)
	return i
}

func (i instant) Record(*counters.Batch) (*counters.Ticket, error) { return i.settled, nil }

// BenchmarkPostOverTCP is a post of a browser and its answer over TCP, without what recording it
// takes.
func BenchmarkPostOverTCP(b *testing.B) {
	store := counters.NewStore(counters.WhenDurable)
	server, err := NewServer(Config{
		Store: store, History: stubHistory{}, Recorder: newInstant(), Origins: Origins{any: true},
		MaxBodyBytes: 128 << 10, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(listener)
	defer server.Shutdown(context.Background())
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	answer := make([]byte, 4<<10)
	for i := 0; b.Loop(); i++ {
		if _, err := io.WriteString(conn, browserPost(i)); err != nil {
			b.Fatal(err)
		}
		n := 0
		for !bytes.HasSuffix(answer[:n], recordCreated) {
			read, err := conn.Read(answer[n:])
			if err != nil {
				b.Fatalf("after %q: %v", answer[:n], err)
			}
			n += read
		}
	}
}

// browserPost is what a browser sends, with a cookie of its own.
func browserPost(cookie int) string {
	const record = `{"benefit_id":"RSA","hash_id":"h","benefit_index":1,"page_total":2}`
	return "POST /benefits HTTP/1.1\r\nHost: statistiques.exemple.gouv.fr\r\nConnection: keep-alive\r\nContent-Length: " + strconv.Itoa(len(record)) +
		"\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36" +
		"\r\nContent-Type: application/json\r\nAccept: */*\r\nOrigin: https://mes-aides.exemple.gouv.fr\r\nReferer: https://mes-aides.exemple.gouv.fr/" +
		"\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: fr-FR,fr;q=0.9\r\nCookie: visite=" + strconv.Itoa(cookie) + "\r\n\r\n" + record
}
