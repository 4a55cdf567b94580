package harness

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// answering is a server that gives the same answers again and again, by path.
func answering(t *testing.T, answers map[string]string) *url.URL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.URL.Path]
		if !known {
			http.Error(w, "disk full", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(answer)) // a client that has gone fails its own test
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

const accountStatistics = `[
	{"benefit":"bretagne-permis","events_count":8,"events":{"show":{"30":{"1":7,"2":1}}}},
	{"benefit":"corse-permis","events_count":2,"events":{"form":{"4":{"4":2}}}}]`

func TestCountsAreReadBack(t *testing.T) {
	counted, err := ReadBack(t.Context(), answering(t, map[string]string{
		"/statistics": accountStatistics,
		"/benefits":   `[{"id":"bretagne-permis","events":{"show":8}},{"id":"corse-permis","events":{"form":2}}]`,
	}), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := account().Compare(counted); err != nil {
		t.Error(err)
	}
}

func TestAnswersThatDisagreeAreRefused(t *testing.T) {
	for name, benefits := range map[string]string{
		"a count":   `[{"id":"bretagne-permis","events":{"show":7}},{"id":"corse-permis","events":{"form":2}}]`,
		"a benefit": `[{"id":"bretagne-permis","events":{"show":8}}]`,
	} {
		_, err := ReadBack(t.Context(), answering(t, map[string]string{"/statistics": accountStatistics, "/benefits": benefits}), 2)
		if !errors.Is(err, ErrInconsistent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAReadThatIsRefusedIsAnError(t *testing.T) {
	if _, err := ReadBack(t.Context(), answering(t, map[string]string{"/statistics": accountStatistics}), 2); !errors.Is(err, ErrRefused) {
		t.Errorf("the error is %v", err)
	}
}
