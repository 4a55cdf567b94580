package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// strangers send what makes a server's memory grow, and ask for what it takes most of.
type strangers struct {
	seed                  uint64
	acknowledged, unknown atomic.Uint64 // records
	reads, refused        atomic.Uint64 // answers
	floods                uint64
}

const (
	strangersPosting = 8
	strangersReading = 3
	strangersHolding = 40 // connections with half of a large body, or an answer that is not taken
)

// flood has them go on until the context ends. The channel is closed when all have.
func (s *strangers) flood(ctx context.Context, address string) <-chan struct{} {
	var all sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: strangersPosting + strangersReading, DisableCompression: true}, Timeout: patience}
	for n := range strangersPosting + strangersReading + strangersHolding {
		s.floods++
		random := rand.New(rand.NewPCG(s.seed, s.floods))
		switch {
		case n < strangersPosting:
			all.Go(func() { s.post(ctx, client, address, random, n) })
		case n < strangersPosting+strangersReading:
			all.Go(func() { s.read(ctx, client, address, random) })
		default:
			all.Go(func() { s.hold(ctx, address, n%2 == 0) })
		}
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		client.CloseIdleConnections()
		close(done)
	}()
	return done
}

// post sends batches as large as may be. Each stranger varies another field.
func (s *strangers) post(ctx context.Context, client *http.Client, address string, random *rand.Rand, way int) {
	for ctx.Err() == nil {
		body, records := strangeBatch(random, way)
		request, err := http.NewRequest(http.MethodPost, "http://"+address+"/benefits", nil)
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		if way%2 == 1 {
			var compressed bytes.Buffer
			w := gzip.NewWriter(&compressed)
			_, _ = w.Write(body)
			_ = w.Close()
			body = compressed.Bytes()
			request.Header.Set("Content-Encoding", "gzip")
		}
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		response, err := client.Do(request)
		if err != nil {
			s.unknown.Add(uint64(records))
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			s.acknowledged.Add(uint64(records))
		} else {
			s.refused.Add(1)
		}
	}
}

// strangeEvents are the event types that every server knows.
var strangeEvents = []string{"show", "showDetails", "form", "link", "close", "email", "msa", "instructions"}

// strangeBatch is a batch in which nearly every record needs counters of its own.
func strangeBatch(random *rand.Rand, way int) (body []byte, records int) {
	const most = 120 << 10
	now := time.Now()
	body = append(body, '[')
	for len(body) < most {
		if records > 0 {
			body = append(body, ',')
		}
		benefit, version, total, at := "RSA", 2, 1+random.IntN(1000), now
		switch way / 2 {
		case 0:
			benefit = fmt.Sprint("b", random.IntN(1_000_000))
		case 1:
			version = random.IntN(65536)
		case 2:
			benefit, at = fmt.Sprint("b", random.IntN(3000)), now.Add(-time.Duration(random.IntN(47))*time.Hour)
		}
		body = fmt.Appendf(body, `{"benefit_id":%q,"hash_id":"h","benefit_index":%d,"page_total":%d,"version":%d,"event_type":%q,"created_at":%d}`,
			benefit, 1+random.IntN(total), total, version, strangeEvents[random.IntN(len(strangeEvents))], at.UnixMilli())
		records++
	}
	return append(body, ']'), records
}

// read asks for all there is, in every coding.
func (s *strangers) read(ctx context.Context, client *http.Client, address string, random *rand.Rand) {
	today := time.Now().UTC().Format(time.DateOnly)
	paths := []string{"/statistics", "/statistics", "/benefits", "/statistics?start_at=" + today, "/benefits/timeline"}
	codings := []string{"identity", "gzip", "br", "zstd"}
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+paths[random.IntN(len(paths))], nil)
		if err != nil {
			return
		}
		request.Header.Set("Accept-Encoding", codings[random.IntN(len(codings))])
		response, err := client.Do(request)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			s.reads.Add(1)
		} else {
			s.refused.Add(1)
		}
	}
}

// hold keeps a connection with a request that does not end, or an answer that nobody
// takes.
func (s *strangers) hold(ctx context.Context, address string, sends bool) {
	for ctx.Err() == nil {
		connection, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return
		}
		if sends {
			fmt.Fprintf(connection, "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 131072\r\n\r\n")
			_, _ = connection.Write(bytes.Repeat([]byte(" "), 131071))
		} else {
			_, _ = io.WriteString(connection, "GET /statistics HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second): // and then another one
		}
		connection.Close()
	}
}
