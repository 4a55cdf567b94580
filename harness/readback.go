package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrInconsistent means that the answers of a server contradict themselves.
	ErrInconsistent = errors.New("answers contradict themselves")
	// ErrRefused means that a server does not answer a read with 200.
	ErrRefused = errors.New("server refused the request")
)

// readPatience is how long reading ten million counts may take.
const readPatience = 5 * time.Minute

// ReadBack asks a server for all its counts in both ways that it has, GET /statistics
// and GET /benefits, which must agree. All its records must be of one version. The
// server must not be under load.
func ReadBack(ctx context.Context, server *url.URL, version int) (*Ledger, error) {
	counts, err := ReadStatistics(ctx, server, version)
	if err != nil {
		return nil, err
	}
	totals, err := ReadTotals(ctx, server)
	if err != nil {
		return nil, err
	}
	if sums := counts.Totals(); !maps.Equal(sums, totals) {
		return nil, fmt.Errorf("%w: GET /statistics and GET /benefits disagree: %s", ErrInconsistent, firstDifference(sums, totals))
	}
	return counts, nil
}

// ReadStatistics asks a server for all its counts of one version. The standard
// library's parser is used on purpose: it shares no bug with a server that parses by
// something faster.
func ReadStatistics(ctx context.Context, server *url.URL, version int) (*Ledger, error) {
	body, err := OpenStatistics(ctx, server, version)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	counts, err := decodeStatistics(body)
	if err != nil {
		return nil, fmt.Errorf("read statistics of %s: %w", server, err)
	}
	return counts, nil
}

// OpenStatistics asks a server for its counts of one version and returns the body of
// the answer, for the caller to close.
func OpenStatistics(ctx context.Context, server *url.URL, version int) (io.ReadCloser, error) {
	return OpenRead(ctx, server, "statistics?"+url.Values{"version": {strconv.Itoa(version)}}.Encode())
}

// OpenRead asks a server for what is at a path, with a query or not, and returns the
// body of the answer, for the caller to close.
func OpenRead(ctx context.Context, server *url.URL, path string) (io.ReadCloser, error) {
	path, query, _ := strings.Cut(path, "?")
	target := server.JoinPath(path)
	target.RawQuery = query
	return open(ctx, target)
}

// ReadTotals asks a server for the sums of each benefit and event type, over all
// versions.
func ReadTotals(ctx context.Context, server *url.URL) (map[Total]int64, error) {
	body, err := open(ctx, server.JoinPath("benefits"))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var benefits []struct {
		ID     string
		Events map[string]int64
	}
	if err := json.NewDecoder(body).Decode(&benefits); err != nil {
		return nil, fmt.Errorf("read the benefits of %s: %w", server, err)
	}
	totals := map[Total]int64{}
	for _, benefit := range benefits {
		for event, count := range benefit.Events {
			totals[Total{benefit.ID, event}] = count
		}
	}
	return totals, nil
}

// open returns the body of an answer, which must be a 200.
func open(ctx context.Context, target *url.URL) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", target, err)
	}
	request.Header.Set("Accept-Encoding", "identity") // unpacking would be measured too
	client := http.Client{Timeout: readPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", target, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		const shown = 300
		body, _ := io.ReadAll(io.LimitReader(response.Body, shown)) // the status alone says enough
		return nil, fmt.Errorf("read %s: %w: status %s: %s", target, ErrRefused, response.Status, body)
	}
	return response.Body, nil
}

// benefitStatistics is one entry of GET /statistics: event type to page_total to
// benefit_index to count.
type benefitStatistics struct {
	Benefit     string                                 `json:"benefit"`
	EventsCount int64                                  `json:"events_count"`
	Events      map[string]map[string]map[string]int64 `json:"events"`
}

// decodeStatistics reads the array entry by entry, so that an answer of ten million
// counters need not be held twice.
func decodeStatistics(body io.Reader) (*Ledger, error) {
	decoder := json.NewDecoder(body)
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("begin of array: %w", err)
	}
	counts := NewLedger()
	seen := map[string]bool{}
	for decoder.More() {
		entry := benefitStatistics{}
		if err := decoder.Decode(&entry); err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(seen), err)
		}
		if seen[entry.Benefit] {
			return nil, fmt.Errorf("%w: benefit %q comes twice", ErrInconsistent, entry.Benefit)
		}
		seen[entry.Benefit] = true
		if err := counts.addStatistics(&entry); err != nil {
			return nil, fmt.Errorf("benefit %q: %w", entry.Benefit, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("end of array: %w", err)
	}
	return counts, nil
}

func (l *Ledger) addStatistics(read *benefitStatistics) error {
	sum := int64(0)
	for event, totals := range read.Events {
		for totalText, indexes := range totals {
			total, err := strconv.Atoi(totalText)
			if err != nil {
				return fmt.Errorf("page_total: %w", err)
			}
			for indexText, records := range indexes {
				index, err := strconv.Atoi(indexText)
				if err != nil {
					return fmt.Errorf("benefit_index: %w", err)
				}
				l.Add(Counter{read.Benefit, event, total, index}, records)
				sum += records
			}
		}
	}
	if sum != read.EventsCount {
		return fmt.Errorf("%w: events_count is %d, the counts add up to %d", ErrInconsistent, read.EventsCount, sum)
	}
	return nil
}

func firstDifference(sums, totals map[Total]int64) string {
	for total, sum := range sums {
		if totals[total] != sum {
			return fmt.Sprintf("%s %s: %d and %d", total.Benefit, total.Event, sum, totals[total])
		}
	}
	return fmt.Sprintf("%d and %d totals", len(sums), len(totals))
}
