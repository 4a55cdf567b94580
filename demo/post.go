package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// ErrRefused is returned when a server does not take the records.
var ErrRefused = errors.New("the server refused made-up records")

// Post posts traffic to a server, whose origin is such as http://localhost:4000. The
// server must take records as old as the traffic. An error is ErrRefused, one of the
// connection, or the context's.
func Post(ctx context.Context, origin string, t Traffic) error {
	posts, ctx := errgroup.WithContext(ctx)
	posts.SetLimit(postsAtOnce)
	wrote := t.Write(func(body []byte) error {
		kept := bytes.Clone(body)
		posts.Go(func() error { return postBody(ctx, origin, kept) })
		return context.Cause(ctx)
	})
	if err := posts.Wait(); err != nil {
		return err
	}
	return wrote
}

// postsAtOnce is how many bodies are on their way while the next is made up: as many as
// the default client keeps connections for.
const postsAtOnce = http.DefaultMaxIdleConnsPerHost

// daysInMemory is how many days of visitors a server has room for beside those that leave.
const daysInMemory = 2

// Fill posts traffic day by day to a server that keeps its data in a directory, and lets
// days leave memory before others: a server has the visitors of a few days only in
// memory, and others it would not count. The server must write snapshots often.
func Fill(ctx context.Context, origin, directory string, t Traffic) error {
	end, days := t.To, 0
	for day := midnight(t.From.In(end.Location())); day.Before(end); day = day.AddDate(0, 0, 1) {
		part := t
		part.From = day
		if part.To = day.AddDate(0, 0, 1); part.To.After(end) {
			part.To = end
		}
		part.Now = end
		before := newestSnapshot(directory)
		if err := Post(ctx, origin, part); err != nil {
			return err
		}
		if days++; days%daysInMemory != 0 {
			continue
		}
		if err := awaitSnapshot(ctx, directory, before); err != nil {
			return err
		}
	}
	return nil
}

// newestSnapshot is the name of the newest snapshot of a data directory; empty for none.
func newestSnapshot(directory string) string {
	names, err := filepath.Glob(filepath.Join(directory, "snapshot-*"))
	if err != nil || len(names) == 0 {
		return ""
	}
	return slices.Max(names)
}

// awaitSnapshot waits for a snapshot that is newer.
func awaitSnapshot(ctx context.Context, directory, before string) error {
	const look = 5 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for newestSnapshot(directory) == before {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
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
