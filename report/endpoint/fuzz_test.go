package endpoint_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/report"
	"stats-recorder/report/endpoint"
)

// FuzzQuery has every table answer any query: with JSON, with CSV, or with an error for
// the client.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "start_at=2024-10-04&end_at=2024-10-05", "start_at=1969-12-31T23:59:59Z&end_at=1970-01-01", "start_at=9999-12-31&end_at=9999-12-31T23:00:00-12:00",
		"format=csv&lang=fr&table=lengths", "order=id&limit=1&benefit=A&group=%00", "step=hour&time_zone=Asia/Kolkata", "step=month&version=",
		"stage=acted&group_by=total&version=65535", "limit=999999999999999999999", "share=a&share=b",
	} {
		f.Add(query, "text/csv;q=0.3, */*;q=0.2")
	}
	store := source{counters.NewStore(counters.WhenDurable)}
	for _, name := range []string{"A", "B"} {
		for index := range uint16(3) {
			store.record(f, name, "show", 3, index+1, 9)
			store.record(f, name, "showDetails", 3, index+1, uint64(len(name))+uint64(index))
		}
	}
	store.commit()
	reads := endpoint.Reads(report.New(report.Options{Source: store, CacheBytes: 1 << 20}), store)
	f.Fuzz(func(t *testing.T, query, accept string) {
		values, _ := url.ParseQuery(query) // what is left of a bad one
		request := httpapi.Request{Accept: accept}
		for name, all := range values {
			for _, value := range all {
				request.Query = append(request.Query, httpapi.Parameter{Name: name, Value: value})
			}
		}
		for _, read := range reads {
			answer, err := read.Answer(request)
			if _, known := errors.AsType[*httpapi.Error](err); err != nil && !known {
				t.Errorf("%s?%s: %v", read.Path, query, err)
			}
			if err == nil && !strings.HasPrefix(answer.ContentType, "text/csv") && !json.Valid(answer.Body) {
				t.Errorf("%s?%s: %s", read.Path, query, answer.Body)
			}
		}
	})
}
