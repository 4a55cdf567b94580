package httpapi

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/httpapi/conn"
)

const twoDays = 48 * time.Hour

// stubHistory has a few years of a single event a day.
type stubHistory struct{}

func (stubHistory) Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	if query.Kind != counters.Hours {
		return nil
	}
	var cells []counters.Cell
	for step := range len(query.Bounds) - 1 {
		cells = append(cells, counters.Cell{Key: counters.StepKey(1, uint32(step)), Count: 1})
	}
	visit(0, cells)
	return nil
}

func (stubHistory) KeptFrom() (counters.Day, bool) { return 19_000, true }

func (stubHistory) Span() (first, last counters.Day, any bool) { return 19_000, 20_500, true }

// stubServer answers from a store with one benefit and from stubHistory.
func stubServer(t testing.TB, recorder Recorder, log slog.Handler, changes ...func(*Config)) *Server {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	if _, err := store.Benefits.Number([]byte("RSA")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.EventType([]byte("show")); err != nil {
		t.Fatal(err)
	}
	config := Config{
		Store: store, Recorder: recorder, History: stubHistory{}, Origins: Origins{any: true}, MaxEventAge: twoDays,
		MaxBodyBytes: 128 << 10, Limits: counters.Limits{Benefits: 100, Counters: 1000}, Now: time.Now, Logger: slog.New(log),
	}
	for _, change := range changes {
		change(&config)
	}
	server, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// FuzzQuery has the reads answer any query: with 200 or 422, and with JSON.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "start_at=2026-01-31", "start_at=&end_at=", "start_at=2026-01-31T15:00:00+02:00&end_at=2026-02-01",
		"start_at=2026-01-31T15:00:00%2B02:00", "start_at=-271821-04-20&end_at=%2B275760-09-13T00:00:00.000Z",
		"start_at=9999-12-31T24:00&end_at=0000-01-01", "version=2", "version=65536", "version=+2", "version=1e3", "version=%00",
		"step=hour&time_zone=Asia/Kathmandu", "step=week&group=total&benefit=RSA", "step=month&time_zone=../../etc/passwd",
		"time_zone=Local", "time_zone=Pacific/Apia&step=day&start_at=2011-12-29&end_at=2012-01-02", "event_type=show&group=total",
		"step=hour&start_at=1970&end_at=2999", "a=%zz&&&=&=x&%=", "start_at=2026&start_at=2027",
	} {
		for endpoint := range uint8(3) {
			f.Add(endpoint, query)
		}
	}
	server := stubServer(f, nil, slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, endpoint uint8, query string) {
		path := server.endpoints[int(endpoint)%len(server.endpoints)].path
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(path + "?" + query)
		server.handle(conn.Detached(&ctx))
		if status := ctx.Response.StatusCode(); status != fasthttp.StatusOK && status != fasthttp.StatusUnprocessableEntity {
			t.Errorf("%s?%s: status %d", path, query, status)
		}
		if body := ctx.Response.Body(); !json.Valid(body) {
			t.Errorf("%s?%s: not JSON: %.200q", path, query, body)
		}
	})
}

func (h stubHistory) ReadInPieces(query counters.Query, _ int, visit func(counters.Benefit, []counters.Cell)) error {
	return h.Read(query, visit)
}
