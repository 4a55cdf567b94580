package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"stats-recorder/harness"
)

// patience bounds how long a world may take to recover. It is far more than anything that
// works takes on a busy machine: elections, then states to adopt.
const patience = 4 * time.Minute

// world is nodes over a log, under load, and a ledger of what was sent.
type world struct {
	directory string // of the world's files
	network   *network
	servers   *servers
	stream    *stream
	nodes     []*node
	client    *http.Client
	ledger    *ledger
	random    *rand.Rand // says which fault is next, and what it meets
	byDisk    bool       // that nodes acknowledge
	say       func(format string, values ...any)
	// states is how often the hashes of all directories were found equal.
	states int
	// disks is how many nodes have lost theirs.
	disks int
}

// A plan says what a world is made of.
type plan struct {
	directory, recorder, natsServer string
	network                         *network
	nodes                           int
	ack                             string
	seed                            uint64
	say                             func(format string, values ...any)
}

// newWorld starts servers of the log and nodes.
func newWorld(ctx context.Context, p plan) (*world, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext}
	w := &world{
		client: &http.Client{Timeout: 20 * time.Second, Transport: transport}, network: p.network, directory: p.directory,
		ledger: newLedger(), random: rand.New(rand.NewPCG(p.seed, 0)), byDisk: p.ack == "disk", say: p.say,
	}
	var err error
	if w.servers, err = newServers(p.natsServer, p.directory, p.network, 3); err != nil {
		return nil, err
	}
	for i := range p.nodes {
		n, err := newNode(p.recorder, p.directory, p.network, i+1, w.servers.urls(), []string{"ACK=" + p.ack})
		if err == nil {
			w.nodes = append(w.nodes, n)
			err = n.start()
		}
		if err != nil {
			return nil, errors.Join(err, w.end())
		}
	}
	if w.stream, err = openStream(ctx, w.servers.urls()); err != nil {
		return nil, errors.Join(err, w.end())
	}
	return w, nil
}

// end kills all.
func (w *world) end() (err error) {
	if w.stream != nil {
		w.stream.close()
	}
	for _, n := range w.nodes {
		err = errors.Join(err, n.kill())
	}
	return errors.Join(err, w.servers.kill())
}

// load posts to all nodes until the context ends.
func (w *world) load(ctx context.Context, postersOfANode int, pause time.Duration) {
	w.ledger.begin()
	var posting sync.WaitGroup
	for _, n := range w.nodes {
		for range postersOfANode {
			posting.Go(func() {
				for ctx.Err() == nil {
					w.post(n)
					rest(ctx, pause)
				}
			})
		}
	}
	posting.Wait()
}

// post posts a page. What is not answered may be counted or not.
func (w *world) post(n *node) {
	page := rand.IntN(pages)
	life := w.ledger.send(n, page)
	response, err := w.client.Post(n.url+"/benefits", "application/json", bytes.NewReader(aPage(page)))
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "dial" {
		w.ledger.foundNobody(page)
		return
	}
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		w.ledger.acknowledge(n, life, page)
	case http.StatusServiceUnavailable:
		w.ledger.refuse(page)
	}
}

// settle waits until all nodes count the same, what the ledger says, and have the same
// state, and reports what is wrong if they never do. It returns how many records were lost
// that might be.
func (w *world) settle(ctx context.Context) (lost int64, err error) {
	var counted [pages]int64
	for deadline := time.Now().Add(patience); ; {
		if counted, err = w.compare(ctx); err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			break
		}
		rest(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return 0, err
	}
	return w.ledger.writeOff(counted), w.stream.count(ctx)
}

// compare holds the answers of all nodes to each other and to the ledger, and returns how
// often each page is counted.
func (w *world) compare(ctx context.Context) (counted [pages]int64, err error) {
	var first *harness.Ledger
	hashes, tags := map[string]bool{}, map[string]bool{}
	for i, n := range w.nodes {
		counts, err := harness.ReadBack(ctx, n.server.URL(), 2)
		if err != nil {
			return counted, fmt.Errorf("node %d: %w", i+1, err)
		}
		if counted, err = w.ledger.check(counts); err != nil {
			return counted, fmt.Errorf("node %d: %w", i+1, err)
		}
		if first == nil {
			first = counts
		}
		if err := first.Compare(counts); err != nil {
			return counted, fmt.Errorf("nodes 1 and %d: %w", i+1, err)
		}
		tag, err := w.tag(n)
		if err != nil {
			return counted, err
		}
		tags[tag] = true
		hash, err := n.program("cluster", "hash")
		if err != nil {
			return counted, err
		}
		hash, _, _ = strings.Cut(hash, "commit") // which is each one's own
		hashes[hash] = true
	}
	if len(hashes) != 1 || len(tags) != 1 {
		return counted, fmt.Errorf("%w: there are %d states, and %d tags of one answer, want one: %v", errWrong, len(hashes), len(tags), hashes)
	}
	w.states++
	return counted, nil
}

// tag is the ETag of all statistics.
func (w *world) tag(n *node) (string, error) {
	response, err := w.client.Get(n.url + "/statistics")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.Header.Get("ETag"), errors.Join(err, response.Body.Close())
}
