package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"stats-recorder/harness"
)

// TestMain lets the test binary be the ceiling, as the program itself can be.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{ceilingArgument}) {
		if err := execute(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runBench runs the program as a user does and returns what it printed.
func runBench(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var output strings.Builder
	err = run(t.Context(), arguments, &output, null)
	return output.String(), err
}

func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and loads the real server")
	}
	directory := t.TempDir()
	printed, err := runBench(t, "-smoke", "-out", directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(printed)
	found := readReport(t, directory)
	for _, cell := range found.Cells {
		for _, lane := range cell.Lanes {
			if lane.RecordsPerSecond == 0 || lane.Acknowledged == 0 || len(lane.Rounds) != 2 || lane.Latency.Max == 0 {
				t.Errorf("%s: %s measured nothing: %+v", cell.title(), lane.Name, lane)
			}
			if lane.Verified != (lane.Kind != ceilingLane) {
				t.Errorf("%s: %s verified: %v", cell.title(), lane.Name, lane.Verified)
			}
		}
		if server := cell.Lanes[0]; server.Kind != serverLane || server.Ratios["ceiling"].Records == 0 {
			t.Errorf("%s: no ratio of %s to the ceiling", cell.title(), server.Name)
		} else if server.Restart == nil {
			t.Errorf("%s: %s was not restarted", cell.title(), server.Name)
		}
	}
	if server := found.Cells[1].Lanes[0]; server.Reading == nil || server.Reading.Max == 0 {
		t.Errorf("%s was not read from", server.Name)
	}
	for _, ending := range []string{"*.md", "*.png"} {
		if files, _ := filepath.Glob(filepath.Join(directory, ending)); len(files) != 1 {
			t.Errorf("files %s: %v", ending, files)
		}
	}
}

// readReport reads the one report in a directory.
func readReport(t *testing.T, directory string) *report {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	found := &report{}
	if err := json.Unmarshal(content, found); err != nil {
		t.Fatal(err)
	}
	return found
}

// plainServer is a server of the contract, as simple as it can be, that can be
// made to lie.
type plainServer struct {
	mutex  sync.Mutex
	counts map[string]map[string]map[int]map[int]int64
	posts  int
	answer func(posts int, response http.ResponseWriter, count func()) // of POST /benefits
}

func newPlainServer() *plainServer {
	return &plainServer{
		counts: map[string]map[string]map[int]map[int]int64{},
		answer: func(_ int, response http.ResponseWriter, count func()) {
			count()
			fmt.Fprint(response, `{"response":"Record created"}`)
		},
	}
}

func (s *plainServer) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if request.Method == http.MethodGet {
		s.writeStatistics(response)
		return
	}
	var records []wireRecord
	body, _ := io.ReadAll(request.Body)
	if err := json.Unmarshal(body, &records); err != nil {
		http.Error(response, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	s.posts++
	s.answer(s.posts, response, func() {
		for _, record := range records {
			s.add(record)
		}
	})
}

func (s *plainServer) add(record wireRecord) {
	if s.counts[record.BenefitID] == nil {
		s.counts[record.BenefitID] = map[string]map[int]map[int]int64{}
	}
	events := s.counts[record.BenefitID]
	if events[record.EventType] == nil {
		events[record.EventType] = map[int]map[int]int64{}
	}
	totals := events[record.EventType]
	if totals[record.PageTotal] == nil {
		totals[record.PageTotal] = map[int]int64{}
	}
	totals[record.PageTotal][record.BenefitIndex]++
}

func (s *plainServer) writeStatistics(response io.Writer) {
	entries := []map[string]any{}
	for benefit, events := range s.counts {
		sum := int64(0)
		for _, totals := range events {
			for _, indexes := range totals {
				for _, count := range indexes {
					sum += count
				}
			}
		}
		entries = append(entries, map[string]any{"benefit": benefit, "events_count": sum, "events": events})
	}
	_ = json.NewEncoder(response).Encode(entries)
}

func TestAnyServerOfTheContractIsMeasured(t *testing.T) {
	server := newPlainServer()
	server.add(wireRecord{BenefitID: "somebody's", EventType: "show", PageTotal: 1, BenefitIndex: 1})
	served := httptest.NewServer(server)
	defer served.Close()
	directory := t.TempDir()
	_, err := runBench(t, "-smoke", "-url", served.URL, "-targets", "url,ceiling", "-out", directory)
	if err != nil {
		t.Fatal(err)
	}
	cell := readReport(t, directory).Cells[0]
	if lane := cell.Lanes[0]; lane.Kind != urlLane || !lane.Verified || lane.Ratios["ceiling"].Records == 0 {
		t.Errorf("%+v", lane)
	}
}

func TestServersThatFailAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(posts int, response http.ResponseWriter, count func())
		want   error
	}{
		"a lost batch": {func(posts int, response http.ResponseWriter, count func()) {
			if posts != 40 {
				count()
			}
			fmt.Fprint(response, `{"response":"Record created"}`)
		}, harness.ErrMismatch},
		"a batch counted twice": {func(posts int, response http.ResponseWriter, count func()) {
			count()
			if posts == 40 {
				count()
			}
			fmt.Fprint(response, `{"response":"Record created"}`)
		}, harness.ErrMismatch},
		"a refusal": {func(posts int, response http.ResponseWriter, count func()) {
			if posts == 40 {
				http.Error(response, "disk full", http.StatusServiceUnavailable)
				return
			}
			count()
		}, errRefused},
		"a dropped connection": {func(posts int, response http.ResponseWriter, count func()) {
			if posts == 40 {
				panic(http.ErrAbortHandler)
			}
			count()
		}, errDropped},
	} {
		t.Run(name, func(t *testing.T) {
			server := newPlainServer()
			server.answer = test.answer
			served := httptest.NewServer(server)
			defer served.Close()
			directory := t.TempDir()
			_, err := runBench(t, "-smoke", "-url", served.URL, "-targets", "url", "-out", directory)
			if !errors.Is(err, test.want) {
				t.Fatalf("the run ended with: %v", err)
			}
			if files, _ := filepath.Glob(filepath.Join(directory, "*")); len(files) > 0 {
				t.Errorf("results of a failed run: %v", files)
			}
		})
	}
}

func TestServerThatDoesNotStartIsReported(t *testing.T) {
	program := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho no such setting >&2\nexit 2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := runBench(t, "-smoke", "-rival", program, "-targets", "rival", "-out", t.TempDir())
	if !errors.Is(err, harness.ErrEnded) || !strings.Contains(err.Error(), "no such setting") {
		t.Fatal(err)
	}
}

func TestCeilingAnswersTheSame(t *testing.T) {
	want := &capturedResponse{Status: 200, Body: `{"response":"Record created"}`, Headers: map[string][]string{
		"Content-Type": {"application/json; charset=utf-8"}, "Access-Control-Allow-Origin": {"*"}, "Date": {"now"}, "Content-Length": {"29"},
	}}
	ceiling, err := startCeiling(t.Context(), want, nil)
	if err != nil {
		t.Fatal(err)
	}
	way := &walk{traffic: mustBuild(t, testShape())}
	have, err := captureResponse(t.Context(), ceiling, way)
	if err := errors.Join(err, ceiling.stop()); err != nil {
		t.Fatal(err)
	}
	if have.Status != want.Status || have.Body != want.Body || len(have.Headers) != len(want.Headers) {
		t.Errorf("have %+v, want %+v", have, want)
	}
	for name, values := range want.Headers {
		if name != "Date" && !slices.Equal(have.Headers[name], values) {
			t.Errorf("%s: have %q, want %q", name, have.Headers[name], values)
		}
	}
}
