package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// readBack asks a server for all its counts, in both ways that it has, which
// must agree.
func readBack(address string) (tallies, error) {
	found, sums, err := readStatistics(address)
	if err != nil {
		return nil, err
	}
	totals, err := readTotals(address)
	if err != nil {
		return nil, err
	}
	if !maps.Equal(sums, totals) {
		return nil, fmt.Errorf("%w: GET /statistics and GET /benefits disagree: %v", errBreach, firstDifference(sums, totals))
	}
	return found, nil
}

// eventTotal is a count of GET /benefits.
type eventTotal struct{ benefit, event string }

func readStatistics(address string) (tallies, map[eventTotal]uint64, error) {
	var ranking []struct {
		Benefit string
		Count   uint64 `json:"events_count"`
		Events  map[string]map[string]map[string]uint64
	}
	if err := getJSON(address, "/statistics", &ranking); err != nil {
		return nil, nil, err
	}
	found, sums := tallies{}, map[eventTotal]uint64{}
	for _, entry := range ranking {
		sum := uint64(0)
		for event, pages := range entry.Events {
			for page, indexes := range pages {
				for index, count := range indexes {
					found[counter{entry.Benefit, event, number(page), number(index)}] += count
					sums[eventTotal{entry.Benefit, event}] += count
					sum += count
				}
			}
		}
		if sum != entry.Count {
			return nil, nil, fmt.Errorf("%w: GET /statistics: %q has events_count %d, its events add up to %d",
				errBreach, entry.Benefit, entry.Count, sum)
		}
	}
	return found, sums, nil
}

// number reads a key of an answer; what is no number is a counter that nobody sent.
func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return value
}

func readTotals(address string) (map[eventTotal]uint64, error) {
	var benefits []struct {
		ID     string `json:"id"`
		Events map[string]uint64
	}
	if err := getJSON(address, "/benefits", &benefits); err != nil {
		return nil, err
	}
	totals := map[eventTotal]uint64{}
	for _, benefit := range benefits {
		for event, count := range benefit.Events {
			totals[eventTotal{benefit.ID, event}] = count
		}
	}
	return totals, nil
}

func firstDifference(sums, totals map[eventTotal]uint64) string {
	for total, sum := range sums {
		if totals[total] != sum {
			return fmt.Sprintf("%s %s: %d and %d", total.benefit, total.event, sum, totals[total])
		}
	}
	return fmt.Sprintf("%d and %d totals", len(sums), len(totals))
}

// getJSON reads an answer that must be a 200.
func getJSON(address, path string, into any) error {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + address + path)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: GET %s: %s: %.200q", errBreach, path, response.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: GET %s: %w", errBreach, path, err)
	}
	return nil
}

// expectReads requires that both answers come, whatever else does not work.
func expectReads(address string) error {
	if _, _, err := readStatistics(address); err != nil {
		return fmt.Errorf("reads must stay alive: %w", err)
	}
	if _, err := readTotals(address); err != nil {
		return fmt.Errorf("reads must stay alive: %w", err)
	}
	return nil
}
