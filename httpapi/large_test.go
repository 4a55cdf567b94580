package httpapi

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/httpapi/spool"
)

// plainStatistics renders what a store counts in the plainest way there is.
func plainStatistics(store *counters.Store, version uint16) string {
	counts := map[string]map[string]map[int]map[int]uint64{}
	sums := map[string]uint64{}
	store.Read(counters.PositionsOf(version, nil), nil, func(number counters.Benefit, cells []counters.Cell) {
		name := store.Benefits.Names()[number]
		for _, cell := range cells {
			event := store.Events.Names()[cell.Key.Event()-1]
			total, index := cell.Key.Position()
			if counts[name] == nil {
				counts[name] = map[string]map[int]map[int]uint64{}
			}
			if counts[name][event] == nil {
				counts[name][event] = map[int]map[int]uint64{}
			}
			if counts[name][event][int(total)] == nil {
				counts[name][event][int(total)] = map[int]uint64{}
			}
			counts[name][event][int(total)][int(index)] = cell.Count
			sums[name] += cell.Count
		}
	})
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), strings.Compare(a, b)) })
	var items []string
	for _, name := range names {
		events := object(counts[name], strconv.Quote, func(totals map[int]map[int]uint64) string {
			return object(totals, quotedNumber, func(indexes map[int]uint64) string {
				return object(indexes, quotedNumber, func(count uint64) string { return fmt.Sprint(count) })
			})
		})
		items = append(items, fmt.Sprintf(`{"benefit":%q,"events_count":%d,"events":%s}`, name, sums[name], events))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func quotedNumber(n int) string { return fmt.Sprintf(`"%d"`, n) }

// object renders a map as JSON, in the order of its keys.
func object[K cmp.Ordered, V any](items map[K]V, key func(K) string, value func(V) string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(items)) {
		parts = append(parts, key(k)+":"+value(items[k]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// largeServer serves a store by TCP. It has room for so many bytes of answers.
func largeServer(t *testing.T, store *counters.Store, answers int, changes ...func(*Config)) (server *Server, address string) {
	t.Helper()
	bounds := DefaultBounds()
	bounds.AnswerBytes = answers
	directory := t.TempDir()
	server = stubServer(t, &ticketless{}, slog.DiscardHandler, func(c *Config) {
		c.Store, c.History, c.Bounds = store, storeHistory{store: store}, bounds
		c.Limits = counters.Limits{Benefits: 10_000, Counters: 10_000_000}
		c.Scratch = func() (spool.File, error) { return os.CreateTemp(directory, "") }
		for _, change := range changes {
			change(c)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		patience, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(patience)
	})
	return server, listener.Addr().String()
}

// ticketless counts nothing, durably.
type ticketless struct{}

func (ticketless) Record(*counters.Batch) (*counters.Ticket, error) { return nil, nil }

// nothingHeld says whether no large answer holds anything.
func (s *Server) nothingHeld() bool {
	all := int64(s.config.Bounds.AnswerBytes)
	if !s.conns.TakeRoom(all) {
		return false
	}
	s.conns.GiveRoom(all)
	return true
}

// oddStore has so many counters of a site, and some that no page has.
func oddStore(t *testing.T, size int) *counters.Store {
	store := counters.NewStore(counters.WhenDurable)
	storetest.Grow(t, store, size)
	for _, odd := range []storetest.Record{
		storetest.Shown("benefit-0", 3, 9, storetest.Noon()), storetest.Shown("benefit-0", 0, 0, storetest.Noon()),
		storetest.Shown("another", 9, 1023, storetest.Noon()), storetest.Shown("another", 1023, 9, storetest.Noon()),
		storetest.Shown("of no event", 1, 1, storetest.Noon()),
	} {
		odd.Event = "an earlier one in the alphabet"
		benefit, key := storetest.Number(t, store, odd)
		if odd.Benefit == "of no event" {
			continue
		}
		if err := store.Replay(odd.Hour, benefit, []counters.Cell{{Key: key, Count: 1 << 33}}); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

var decoders = map[string]func(io.Reader) (io.Reader, error){
	"":     func(r io.Reader) (io.Reader, error) { return r, nil },
	"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
	"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
}

func TestStatisticsOfAnySizeAreTheSameBytesInEveryCoding(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, 3000, 60_000} {
		store := oddStore(t, size)
		want := plainStatistics(store, 2)
		tag := `W/"` + strconv.FormatUint(xxhash.Sum64String(want), 36) + "-" + strconv.Itoa(len(want)) + `"`
		for _, room := range []int{1, 64 << 20} {
			server, address := largeServer(t, store, room)
			for coding, decoder := range decoders {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					got, length := askWith(t, method, address, coding, "")
					what := fmt.Sprintf("%s of %d counters, coding %q, %d bytes of room", method, size, coding, room)
					if got.StatusCode != http.StatusOK || got.Header.Get("Etag") != tag || got.Header.Get("Content-Encoding") != coding {
						t.Fatalf("%s: %d, %v; want the tag %s", what, got.StatusCode, got.Header, tag)
					}
					if got.ContentLength <= 0 || coding == "" && got.ContentLength != int64(len(want)) {
						t.Errorf("%s: Content-Length %d, want it to be there", what, got.ContentLength)
					}
					if method == http.MethodHead {
						continue
					}
					decoded, err := decoder(bytes.NewReader(length))
					if err != nil {
						t.Fatal(err)
					}
					if body, err := io.ReadAll(decoded); err != nil || string(body) != want {
						t.Errorf("%s: %d bytes, %v; want %d others", what, len(body), err, len(want))
					}
				}
			}
			if got, _ := askWith(t, http.MethodGet, address, "", tag); got.StatusCode != http.StatusNotModified {
				t.Errorf("status %d for the tag that it has, want 304", got.StatusCode)
			}
			harnesstest.Until(t, "nothing is held any more", server.nothingHeld)
		}
	}
}

// askWith asks for statistics in a coding, of a client that has a tag.
func askWith(t *testing.T, method, address, coding, tag string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequest(method, "http://"+address+"/statistics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", cmp.Or(coding, "identity"))
	if tag != "" {
		request.Header.Set("If-None-Match", tag)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

// TestSlowReadersOfLargeAnswersTakeNoMoreThanTheSetting has many clients ask for more than
// there is room for, and take none of it.
func TestSlowReadersOfLargeAnswersTakeNoMoreThanTheSetting(t *testing.T) {
	t.Parallel()
	const room, readers = 1 << 20, 3
	store := oddStore(t, 500_000)
	want := plainStatistics(store, 2)
	server, address := largeServer(t, store, room)
	var slow []net.Conn
	for range readers {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		if _, err := io.WriteString(conn, "GET /statistics HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	for _, conn := range slow {
		if line, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if held := server.conns.HeldByAnswers(); held > room || held == 0 {
		t.Errorf("%d bytes are held, want some and at most %d", held, room)
	}
	if got, body := askWith(t, http.MethodGet, address, "", ""); got.StatusCode != http.StatusOK || string(body) != want {
		t.Errorf("another client: status %d and %d bytes, want all %d", got.StatusCode, len(body), len(want))
	}
	response, err := http.Post("http://"+address+"/benefits", "application/json", strings.NewReader("[]"))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("a post meanwhile: %v, %v", response, err)
	}
	for _, conn := range slow {
		conn.Close()
	}
	harnesstest.Until(t, "nothing is held any more", server.nothingHeld)
}

func TestALargeAnswerThatNothingHasRoomForIsTold(t *testing.T) {
	t.Parallel()
	server, address := largeServer(t, oddStore(t, 60_000), 1, func(c *Config) { c.Scratch = nil })
	for _, coding := range []string{"", "gzip"} {
		got, body := askWith(t, http.MethodGet, address, coding, "")
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || !strings.HasPrefix(string(body), `{"message":`) {
			t.Errorf("%d, %v, %s; want 503 with Retry-After and a message", got.StatusCode, got.Header, body)
		}
	}
	harnesstest.Until(t, "nothing is held any more", server.nothingHeld)
}

func (h storeHistory) ReadInPieces(query counters.Query, piece int, visit func(counters.Benefit, []counters.Cell)) error {
	h.store.ReadInPieces(query, nil, piece, visit)
	return nil
}
