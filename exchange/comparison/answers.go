package comparison

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// The answers that are compared.
const (
	Benefits   = "/benefits"
	Statistics = "/statistics"
)

// What makes answers impossible to compare.
var (
	// ErrURL is returned for what is not the address of a server.
	ErrURL = errors.New("not the address of a server, such as http://localhost:4000")
	// ErrAnswer is returned for an answer that is not the one that was asked for.
	ErrAnswer = errors.New("not the answer that was asked for")
)

// Sum is what GET /benefits has a number for.
type Sum struct{ Benefit, EventType string }

// Position is what GET /statistics has a number for.
type Position struct{ Benefit, EventType, PageTotal, Index string }

// Answers are those of a server for all of time.
type Answers struct {
	Sums      map[Sum]uint64
	Positions map[Position]uint64
}

// maxAnswerBytes bounds what is read of an answer.
const maxAnswerBytes = 1 << 30

// Ask asks a server. The replaced one keeps GET /benefits for half an hour unless it is
// told not to.
func Ask(ctx context.Context, address string) (Answers, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return Answers{}, fmt.Errorf("%q: %w", address, ErrURL)
	}
	answers := Answers{Sums: map[Sum]uint64{}, Positions: map[Position]uint64{}}
	var sums []struct {
		ID     any
		Events map[string]uint64
	}
	if err := get(ctx, base.JoinPath(Benefits).String(), &sums); err != nil {
		return Answers{}, err
	}
	for _, benefit := range sums {
		for eventType, count := range benefit.Events {
			answers.Sums[Sum{name(benefit.ID), eventType}] += count
		}
	}
	var statistics []struct {
		Benefit any
		Events  map[string]map[string]map[string]uint64
	}
	if err := get(ctx, base.JoinPath(Statistics).String(), &statistics); err != nil {
		return Answers{}, err
	}
	for _, benefit := range statistics {
		for eventType, totals := range benefit.Events {
			for total, indexes := range totals {
				for index, count := range indexes {
					answers.Positions[Position{name(benefit.Benefit), eventType, total, index}] += count
				}
			}
		}
	}
	return answers, nil
}

// name is a benefit as text. The replaced server answers with whatever the database has.
func name(benefit any) string {
	if text, ok := benefit.(string); ok {
		return text
	}
	return fmt.Sprint(benefit)
}

func get(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cache-Control", "no-cache")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, maxAnswerBytes)
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(body, 200)) // as much as there is
		return fmt.Errorf("GET %s: %w: it is %s: %s", address, ErrAnswer, response.Status, strings.TrimSpace(string(said)))
	}
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("GET %s: %w: %w", address, ErrAnswer, err)
	}
	return nil
}
