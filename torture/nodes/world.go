package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"stats-recorder/harness"
)

// node is a recorder, and what its clients know of it.
type node struct {
	settings harness.Settings
	// mu is held while the server is started or ended.
	mu     sync.Mutex
	server *harness.Server
	url    string
}

// world is nodes over a log, under load, and a ledger of what was sent.
type world struct {
	servers *servers
	nodes   []*node
	client  *http.Client

	mu           sync.Mutex
	acknowledged uint64
	sent         uint64
	lastAnswer   time.Time
	longest      time.Duration // without an acknowledgement
	refused      uint64
}

const recordsInAPost = 30

// newWorld starts servers of the log and nodes in a directory.
func newWorld(ctx context.Context, directory, recorder string, nodes int, environment ...string) (*world, error) {
	program, err := buildServer(ctx, directory)
	if err != nil {
		return nil, err
	}
	w := &world{client: &http.Client{Timeout: 30 * time.Second}, lastAnswer: time.Now()}
	if w.servers, err = newServers(program, directory, 3); err != nil {
		return nil, err
	}
	for i := range nodes {
		address, err := harness.FreeAddress()
		if err != nil {
			return nil, errors.Join(err, w.end())
		}
		_, port, _ := strings.Cut(address, ":")
		n := &node{url: "http://" + address, settings: harness.Settings{
			Program: recorder, Data: filepath.Join(directory, fmt.Sprint("data", i+1)), Inherited: os.Environ(),
			Environment: append([]string{"PORT=" + port, "SNAPSHOT_INTERVAL=1s", "LOG_URL=" + w.servers.urls()}, environment...),
		}}
		w.nodes = append(w.nodes, n)
		if err := n.start(); err != nil {
			return nil, errors.Join(err, w.end())
		}
	}
	return w, nil
}

func (n *node) start() (err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, err = n.settings.Start()
	return err
}

func (n *node) kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil
	}
	return n.server.Kill()
}

// end kills all.
func (w *world) end() (err error) {
	for _, n := range w.nodes {
		err = errors.Join(err, n.kill())
	}
	return errors.Join(err, w.servers.kill())
}

// load posts to all nodes in turn until the context ends.
func (w *world) load(ctx context.Context, posters int, pause time.Duration) {
	var posting sync.WaitGroup
	for range posters {
		posting.Go(func() {
			for ctx.Err() == nil {
				w.post(w.nodes[rand.IntN(len(w.nodes))])
				time.Sleep(pause)
			}
		})
	}
	posting.Wait()
}

// post posts a page. What is not answered may be counted or not.
func (w *world) post(n *node) {
	w.mu.Lock()
	w.sent += recordsInAPost
	w.mu.Unlock()
	response, err := w.client.Post(n.url+"/benefits", "application/json", bytes.NewReader(aPage()))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch response.StatusCode {
	case http.StatusOK:
		w.acknowledged += recordsInAPost
		now := time.Now()
		w.longest, w.lastAnswer = max(w.longest, now.Sub(w.lastAnswer)), now
	case http.StatusServiceUnavailable:
		w.sent -= recordsInAPost // it says that it did not count
		w.refused++
	}
}

// aPage is a page of benefits, some of which differ from page to page.
func aPage() []byte {
	var b bytes.Buffer
	first := rand.IntN(200)
	for i := range recordsInAPost {
		fmt.Fprintf(&b, `%c{"benefit_id":"benefit-%d","hash_id":"x","benefit_index":%d,"page_total":%d}`, "[,"[min(i, 1)], first+i, i+1, recordsInAPost)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// errDisagree means that nodes do not count what they must.
var errDisagree = errors.New("the nodes do not agree")

// settle waits until all nodes count the same and what was acknowledged, and reports
// what is wrong if they never do.
func (w *world) settle(ctx context.Context) (counted uint64, err error) {
	harness.Until(func() bool {
		counted, err = w.compare(ctx)
		return err == nil
	})
	return counted, err
}

// compare holds the answers of all nodes to each other and to the ledger.
func (w *world) compare(ctx context.Context) (counted uint64, err error) {
	var first *harness.Ledger
	for i, n := range w.nodes {
		ledger, err := harness.ReadBack(ctx, n.server.URL(), 2)
		if err != nil {
			return 0, fmt.Errorf("node %d: %w", i+1, err)
		}
		if first == nil {
			first = ledger
		}
		if err := first.Compare(ledger); err != nil {
			return 0, fmt.Errorf("%w: node 1 and node %d: %w", errDisagree, i+1, err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	counted = uint64(first.Records())
	if counted < w.acknowledged || counted > w.sent {
		return counted, fmt.Errorf("%w: %d records are counted, %d were acknowledged, %d sent", errDisagree, counted, w.acknowledged, w.sent)
	}
	return counted, nil
}
