package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ErrRefused is returned when a server does not take the records.
var ErrRefused = errors.New("the server refused made-up records")

// Post posts traffic to a server, whose origin is such as http://localhost:4000. The
// server must take records as old as the traffic. An error is ErrRefused, one of the
// connection, or the context's.
func Post(ctx context.Context, origin string, t Traffic) error {
	return t.Write(func(body []byte) error { return postBody(ctx, origin, body) })
}

func postBody(ctx context.Context, origin string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+"/benefits", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%w: %d %s", ErrRefused, response.StatusCode, said)
	}
	return err
}

// Trickle posts what happens from now on, every so often, until the context ends.
func Trickle(ctx context.Context, origin string, t Traffic, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			t.From, t.To = t.To, now.In(t.To.Location())
			if err := Post(ctx, origin, t); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}
