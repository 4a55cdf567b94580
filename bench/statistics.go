package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// errInconsistent is returned when an answer of a server contradicts itself.
var errInconsistent = errors.New("statistics contradict themselves")

// benefitStatistics is one entry of GET /statistics: event type to page_total to
// benefit_index to count.
type benefitStatistics struct {
	Benefit     string                                 `json:"benefit"`
	EventsCount int64                                  `json:"events_count"`
	Events      map[string]map[string]map[string]int64 `json:"events"`
}

// readStatistics asks a server for all its counts of one version. The standard
// library's parser is used on purpose: it shares no bug with a server that
// parses by something faster.
func readStatistics(ctx context.Context, base *url.URL, version int) (*ledger, error) {
	body, err := openStatistics(ctx, base, version)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	counts, err := decodeStatistics(body)
	if err != nil {
		return nil, fmt.Errorf("read statistics of %s: %w", base, err)
	}
	return counts, nil
}

// readPatience is how long reading all counts may take.
const readPatience = 5 * time.Minute

// openStatistics asks a server for its counts and returns the answer's body,
// for the caller to close.
func openStatistics(ctx context.Context, base *url.URL, version int) (io.ReadCloser, error) {
	target := base.JoinPath("statistics")
	target.RawQuery = url.Values{"version": {strconv.Itoa(version)}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	request.Header.Set("Accept-Encoding", "identity") // unpacking would be measured too
	client := http.Client{Timeout: readPatience}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, fmt.Errorf("read statistics of %s: %w", target, statusError(response))
	}
	return response.Body, nil
}

// decodeStatistics reads the array entry by entry, so that an answer of ten
// million counters need not be held twice.
func decodeStatistics(body io.Reader) (*ledger, error) {
	decoder := json.NewDecoder(body)
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("begin of array: %w", err)
	}
	counts := newLedger()
	seen := map[string]bool{}
	for decoder.More() {
		entry := benefitStatistics{}
		if err := decoder.Decode(&entry); err != nil {
			return nil, fmt.Errorf("entry %d: %w", len(seen), err)
		}
		if seen[entry.Benefit] {
			return nil, fmt.Errorf("%w: benefit %q comes twice", errInconsistent, entry.Benefit)
		}
		seen[entry.Benefit] = true
		if err := counts.addEntry(&entry); err != nil {
			return nil, fmt.Errorf("benefit %q: %w", entry.Benefit, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("end of array: %w", err)
	}
	return counts, nil
}

func (l *ledger) addEntry(entry *benefitStatistics) error {
	sum := int64(0)
	for event, totals := range entry.Events {
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
				l.add(entry.Benefit, event, total, index, records)
				sum += records
			}
		}
	}
	if sum != entry.EventsCount {
		return fmt.Errorf("%w: events_count is %d, the counts add up to %d", errInconsistent, entry.EventsCount, sum)
	}
	return nil
}
